from datetime import timedelta

import pytest
from services.availability.tests.examples import CONNECTION, HOME, NOW, WORK

from availability.domain.blocking import AllDayRule
from availability.domain.changes import Version
from availability.domain.freshness import Ageing, CalendarFreshness, Connection, Freshness, State, freshness
from availability.domain.intervals import Window

AGEING = Ageing(NOW, stale_after=timedelta(minutes=30))
BOTH = ((HOME, AllDayRule.AS_MARKED), (WORK, AllDayRule.AS_MARKED))
FIVE_MINUTES_AGO, AN_HOUR_AGO = NOW - timedelta(minutes=5), NOW - timedelta(hours=1)
PASS = Version(1, 1000)
START, HORIZON = int(NOW.timestamp()) - 86_400, int(NOW.timestamp()) + 400 * 86_400


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


@pytest.mark.parametrize(
    ("since", "read_by", "ages"),
    [
        pytest.param({}, 3, (None, None), id="nobody told which calendars are new"),
        pytest.param({HOME: 0, WORK: 2}, 3, (FIVE_MINUTES_AGO, FIVE_MINUTES_AGO), id="none is new"),
        pytest.param({HOME: 0, WORK: 3}, 3, (FIVE_MINUTES_AGO, FIVE_MINUTES_AGO), id="the pass went by what is new"),
        pytest.param({HOME: 0, WORK: 4}, 3, (FIVE_MINUTES_AGO, None), id="one is newer than the pass"),
        pytest.param({HOME: 0}, 3, (FIVE_MINUTES_AGO, None), id="of one it was not told"),
        pytest.param({HOME: 0, WORK: 0}, 5, (None, None), id="the pass went by a setup that is not known yet"),
    ],
)
def test_a_change_of_the_setup_makes_those_calendars_unknown_that_the_last_pass_cannot_have_read(
    since: dict[str, int], read_by: int, ages: tuple[object, ...]
) -> None:
    read = Connection(
        CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, revision=4, setup_read=read_by, since=tuple(since.items())
    )

    known = freshness([read], AGEING)

    assert tuple(calendar.as_of for calendar in known.calendars) == ages
    assert known.state is (State.FRESH if None not in ages else State.IMPORTING)
    assert read.setup_is_another is (None in ages)


@pytest.mark.parametrize(
    ("until", "state"), [(HORIZON, State.FRESH), (HORIZON + 1, State.IMPORTING), (HORIZON + 9, State.IMPORTING)]
)
def test_time_that_lies_further_ahead_than_was_read_is_not_known_however_fresh_the_rest(
    until: int, state: State
) -> None:
    read = Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, known=(START, HORIZON))

    known = freshness([read], AGEING, Window(HORIZON - 10, until))

    assert known.state is state
    assert [one.state for one in known.calendars] == [state, state]
    assert known.as_of == (FIVE_MINUTES_AGO if state is State.FRESH else None)
    assert known.known == (START, HORIZON)


def test_time_that_lies_further_back_than_is_kept_makes_nothing_older() -> None:
    read = Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, known=(START, HORIZON))

    assert freshness([read], AGEING, Window(START - 10, START)).state is State.FRESH


def test_of_a_user_whom_apple_lets_in_no_more_that_is_told_first() -> None:
    read = Connection(CONNECTION, 1, BOTH, PASS, FIVE_MINUTES_AGO, rejected=Version(1, 2000), known=(START, HORIZON))

    assert freshness([read], AGEING, Window(HORIZON, HORIZON + 1)).state is State.NEEDS_RECONNECT


def test_of_two_connections_that_time_is_known_which_both_are_read_for() -> None:
    old = Connection("old", 1, (), PASS, FIVE_MINUTES_AGO, known=(START, HORIZON))
    new = Connection("new", 1, (), PASS, FIVE_MINUTES_AGO, known=(START + 5, HORIZON + 5))

    assert freshness([old, new], AGEING).known == (START + 5, HORIZON)
    assert freshness([old, Connection("newest", 1, ())], AGEING).known is None


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
