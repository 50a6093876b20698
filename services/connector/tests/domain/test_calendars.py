import pytest

from connector.domain.calendars import ConflictCalendar, Setup, WhenStale, name_shown, safe_default, with_newcomers
from connector_examples import CALENDARS, PRIVATE, READ_ONLY, SHARED, WORK


def test_by_default_every_supported_calendar_of_ones_own_blocks_and_none_is_linked() -> None:
    setup = safe_default(CALENDARS)

    assert setup == Setup((ConflictCalendar(PRIVATE.id), ConflictCalendar(READ_ONLY.id)))
    assert (setup.linked_calendar_id, setup.titles, setup.when_stale) == (None, False, WhenStale.KEEP)


def test_a_linked_calendar_must_be_a_conflict_calendar() -> None:
    with pytest.raises(ValueError, match="linked"):
        Setup((ConflictCalendar("cal-1"),), linked_calendar_id="cal-2")


def test_a_new_calendar_blocks_until_the_user_says_otherwise() -> None:
    setup = with_newcomers(safe_default([PRIVATE]), [PRIVATE], [PRIVATE, WORK, SHARED], since=2)

    assert [c.id for c in setup.conflict_calendars] == [PRIVATE.id, WORK.id]


def test_a_known_calendar_that_does_not_block_stays_out() -> None:
    chosen = Setup((ConflictCalendar(PRIVATE.id),), titles=True, when_stale=WhenStale.CLOSE)

    setup = with_newcomers(chosen, [PRIVATE, WORK], [PRIVATE, WORK], since=2)

    assert setup == chosen


def test_a_calendar_that_vanishes_from_a_listing_stays_a_conflict_calendar() -> None:
    setup = with_newcomers(safe_default([PRIVATE, WORK]), [PRIVATE, WORK], [PRIVATE], since=2)

    assert [c.id for c in setup.conflict_calendars] == [PRIVATE.id, WORK.id]


def test_a_calendar_with_an_endless_name_is_shown_with_its_beginning() -> None:
    assert name_shown("Privé") == "Privé"
    assert name_shown("x" * 5_000) == "x" * 199 + "…"
