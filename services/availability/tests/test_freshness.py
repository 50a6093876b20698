from datetime import timedelta

import pytest
from services.availability.tests.examples import CONNECTION, HOME, NOW, WORK

from availability.domain.blocking import AllDayRule
from availability.domain.changes import Version
from availability.domain.freshness import Ageing, CalendarFreshness, Connection, Freshness, State, freshness

AGEING = Ageing(NOW, stale_after=timedelta(minutes=30))
BOTH = ((HOME, AllDayRule.AS_MARKED), (WORK, AllDayRule.AS_MARKED))
FIVE_MINUTES_AGO, AN_HOUR_AGO = NOW - timedelta(minutes=5), NOW - timedelta(hours=1)
PASS = Version(1, 1000)


@pytest.mark.parametrize(
    ("connection", "state"),
    [
        (Connection(CONNECTION, 1, BOTH), State.IMPORTING),
        (Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO), State.FRESH),
        (Connection(CONNECTION, 1, BOTH, PASS, NOW - timedelta(minutes=30)), State.FRESH),
        (Connection(CONNECTION, 1, BOTH, PASS, NOW - timedelta(minutes=30, seconds=1)), State.STALE),
        (Connection(CONNECTION, 1, BOTH, PASS, NOW + timedelta(minutes=5)), State.FRESH),
        (Connection(CONNECTION, 1, BOTH, PASS, NOW + timedelta(days=1)), State.STALE),
        (Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, revision=2, setup_read=3), State.IMPORTING),
        (Connection(CONNECTION, 1, (), PASS, FIVE_MINUTES_AGO, revision=2, setup_read=3), State.IMPORTING),
        (Connection(CONNECTION, 1, (), PASS, FIVE_MINUTES_AGO, revision=3, setup_read=2), State.IMPORTING),
        (Connection(CONNECTION, 1, BOTH, rejected=Version(1, 1)), State.NEEDS_RECONNECT),
        (Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, rejected=Version(1, 2000)), State.NEEDS_RECONNECT),
        (Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, rejected=Version(1, 900)), State.FRESH),
        (Connection(CONNECTION, 2, BOTH, PASS, FIVE_MINUTES_AGO, rejected=Version(1, 2000)), State.FRESH),
        (Connection(CONNECTION, 2, BOTH, PASS, AN_HOUR_AGO, rejected=Version(1, 2000)), State.STALE),
        (Connection(CONNECTION, 2, BOTH, rejected=Version(1, 2000)), State.IMPORTING),
        (Connection(CONNECTION, 1, (), PASS, FIVE_MINUTES_AGO), State.FRESH),
    ],
)
def test_a_connection_has_the_state_that_its_news_give_it(connection: Connection, state: State) -> None:
    assert freshness([connection], AGEING).state is state


def test_nobody_is_not_connected() -> None:
    assert freshness([], AGEING) == Freshness(None, State.NOT_CONNECTED, ())


def test_the_whole_is_as_old_as_its_oldest_calendar() -> None:
    connection = Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, behind=((WORK, AN_HOUR_AGO),))

    known = freshness([connection], AGEING)

    assert known.as_of == AN_HOUR_AGO
    assert known.state is State.STALE
    assert known.calendars == (
        CalendarFreshness(HOME, FIVE_MINUTES_AGO, State.FRESH),
        CalendarFreshness(WORK, AN_HOUR_AGO, State.STALE),
    )


def test_a_calendar_that_is_no_conflict_calendar_does_not_count() -> None:
    connection = Connection(CONNECTION, 1, BOTH[:1], PASS, FIVE_MINUTES_AGO, behind=((WORK, AN_HOUR_AGO),))

    known = freshness([connection], AGEING)

    assert (known.as_of, known.state) == (FIVE_MINUTES_AGO, State.FRESH)
    assert [calendar.id for calendar in known.calendars] == [HOME]


def test_of_two_connections_the_worse_one_tells_the_state() -> None:
    old = Connection(CONNECTION, 1, BOTH[:1], PASS, FIVE_MINUTES_AGO)
    new = Connection(CONNECTION, 1, BOTH[1:])

    known = freshness([old, new], AGEING)

    assert (known.as_of, known.state) == (None, State.IMPORTING)
    assert [calendar.state for calendar in known.calendars] == [State.FRESH, State.IMPORTING]
