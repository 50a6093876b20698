from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.domain.calendars import Choice, ConflictCalendar, WhenStale
from connector.domain.choosing import chosen
from connector.domain.connection import Connection, News, State, reconnected
from connector.domain.reading import CalendarAge, CalendarState, HeldRemovals, Progress, Quarantined, Reading
from connector.domain.sync import Read, Word
from connector_examples import CALENDARS, LATER, NOW, PRIVATE, READ_ONLY, SHARED, WORK, connection

HOUR_AGO = NOW - timedelta(hours=1)
HELD = HeldRemovals(PRIVATE.id, NOW, 40, 38)
LOST = Quarantined(PRIVATE.id, 1, ())


def choosing(*calendar_ids: str) -> Choice:
    return Choice(None, tuple(ConflictCalendar(one) for one in calendar_ids), titles=False, when_stale=WhenStale.KEEP)


def read(setup_revision: int | None, *behind: CalendarAge) -> Connection:
    return replace(connection(), reading=Reading(NOW, None, NOW, setup_revision, behind))


def test_until_there_is_a_word_every_calendar_waits() -> None:
    assert {(age.as_of, age.state) for age in connection().ages} == {(None, CalendarState.WAITING)}


def test_calendars_are_as_old_as_the_last_look_save_those_that_are_behind() -> None:
    behind = CalendarAge(READ_ONLY.id, LATER, CalendarState.FAILED)

    assert read(1, behind).ages == (CalendarAge(PRIVATE.id, NOW, CalendarState.READ), behind)


@pytest.mark.parametrize(
    ("setup_revision", "state"), [(1, CalendarState.WAITING), (2, CalendarState.READ), (None, CalendarState.READ)]
)
def test_a_calendar_is_not_called_read_by_a_look_that_did_not_know_it(
    setup_revision: int | None, state: CalendarState
) -> None:
    changed = chosen(read(1), choosing(PRIVATE.id, SHARED.id), at=LATER)

    looked = replace(changed, reading=replace(changed.reading, setup_revision=setup_revision))

    assert [(age.calendar_id, age.state) for age in looked.ages] == [
        (PRIVATE.id, CalendarState.READ),
        (SHARED.id, state),
    ]


def test_holds_and_quarantine_are_those_of_conflict_calendars() -> None:
    told = replace(connection(), reading=Reading(held=(HELD,), quarantined=(LOST,)))

    without = chosen(told, choosing(READ_ONLY.id), at=LATER)

    assert (told.held, told.quarantined) == ((HELD,), (LOST,))
    assert (without.held, without.quarantined) == ((), ())


@pytest.mark.parametrize(("age", "oldest"), [(LATER, NOW), (HOUR_AGO, HOUR_AGO), (None, None)])
def test_a_connection_is_as_old_as_its_oldest_calendar(age: datetime | None, oldest: datetime | None) -> None:
    behind = CalendarAge("cal-1", age, CalendarState.FAILED)

    assert Read(Word("c-1", 1, 1), NOW, (behind,)).oldest == oldest


def test_a_reconnected_connection_keeps_id_setup_and_what_is_known() -> None:
    known = Reading(NOW, Progress(1, 2), NOW, 1, (), (HELD,), (LOST,), LATER)
    old = replace(connection(), state=State.NEEDS_RECONNECT, reading=known, calendars_told=7_001)
    apple = replace(old.apple, hint="x…@me.com")

    new = reconnected(old, apple, (*CALENDARS, WORK), at=LATER)

    assert (new.id, new.epoch, new.revision, new.news, new.state) == (old.id, 2, 2, News.RECONNECTED, State.CONNECTED)
    assert new.reading == replace(known, progress=None, refused_since=None)
    assert (new.apple, new.created_at, new.calendars_told) == (apple, old.created_at, 0)
    assert (old.needs_reconnect_since, new.needs_reconnect_since, new.last_worked_at) == (LATER, None, NOW)
    assert new.terms.calendars == (*CALENDARS, WORK)
    assert new.terms.setup.conflict_ids == {PRIVATE.id, READ_ONLY.id, WORK.id}
    assert new.announcement().terms == new.terms
