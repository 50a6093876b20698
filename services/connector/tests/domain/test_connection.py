from dataclasses import replace

import pytest

from connector.domain.connection import Announcement, Gravestone, News, ended, hint_of, recalendared
from connector.domain.timezones import is_time_zone
from connector_examples import CALENDARS, LATER, MARIE, NOW, PRIVATE, WORK, connection


def test_a_new_connection_announces_its_whole_state_as_its_first_revision() -> None:
    new = connection("c-1", MARIE)

    assert new.announcement() == Announcement("c-1", MARIE, 1, 1, News.CONNECTED, NOW, new.terms)


def test_what_stays_of_an_ended_connection_is_nothing_but_its_ids_epoch_and_revision() -> None:
    grave = ended(connection("c-1", MARIE), at=LATER)

    assert grave == Gravestone("c-1", MARIE, epoch=1, revision=2, ended_at=LATER)
    assert grave.announcement() == Announcement("c-1", MARIE, 1, 2, News.DISCONNECTED, LATER, None)


def test_another_list_of_calendars_is_a_new_revision_and_news_to_the_others() -> None:
    changed = recalendared(connection(), (*CALENDARS, WORK), told=7_001, at=LATER)

    assert (changed.revision, changed.news, changed.changed_at) == (2, News.SETUP_CHANGED, LATER)
    assert changed.terms.calendars == (*CALENDARS, WORK)
    assert WORK.id in {c.id for c in changed.terms.setup.conflict_calendars}


def test_the_same_calendars_in_another_order_are_no_news() -> None:
    old = connection()

    heard = recalendared(old, CALENDARS[::-1], told=7_001, at=LATER)

    assert heard == replace(old, calendars_told=7_001)


@pytest.mark.parametrize("told", [7_000, 7_001])
def test_an_older_word_about_calendars_changes_nothing(told: int) -> None:
    old = recalendared(connection(), CALENDARS, told=7_001, at=NOW)

    assert recalendared(old, (PRIVATE,), told=told, at=LATER) is old


@pytest.mark.parametrize(
    ("apple_id", "hint"), [("marie.dupont@icloud.com", "m…@icloud.com"), ("x@me.com", "x…@me.com")]
)
def test_an_apple_id_is_hinted_at_by_its_first_letter_and_domain(apple_id: str, hint: str) -> None:
    assert hint_of(apple_id) == hint


@pytest.mark.parametrize("name", ["Europe/Paris", "UTC", "Asia/Calcutta", "America/Argentina/Buenos_Aires"])
def test_time_zones_of_browsers_are_known(name: str) -> None:
    assert is_time_zone(name)


@pytest.mark.parametrize(
    "name", ["", "Paris", "europe/paris", "Europe", "../../etc/passwd", "+01:00", "\x00", "\ud800"]
)
def test_what_is_no_time_zone_is_told_apart(name: str) -> None:
    assert not is_time_zone(name)
