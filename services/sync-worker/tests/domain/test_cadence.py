from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest

from sync_worker.domain.cadence import Activity, Bounds, next_look, next_try

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
USUAL = Bounds.around(5 * MINUTE)


def looks(activity: Activity, bounds: Bounds = USUAL) -> list[timedelta]:
    return [next_look(f"connection-{n}", n, bounds=bounds, activity=activity, now=NOW) for n in range(500)]


def tries(failures: int = 1, retry_after: timedelta | None = None) -> list[timedelta]:
    return [
        next_try(f"connection-{n}", n, bounds=USUAL, failures=failures, retry_after=retry_after) for n in range(500)
    ]


@pytest.mark.parametrize(
    ("activity", "least", "most"),
    [
        (Activity(), 6.4, 8),
        (Activity(changed_at=NOW), 1, 1.2),
        (Activity(changed_at=NOW - 10 * MINUTE), 1, 1.2),
        (Activity(changed_at=NOW - 11 * MINUTE), 1.78, 2.69),
        (Activity(changed_at=NOW - 61 * MINUTE), 4, 6),
        (Activity(changed_at=NOW - 25 * HOUR), 6.4, 8),
        (Activity(booked_at=NOW - MINUTE), 1, 1.2),
        (Activity(booked_at=NOW - 50 * MINUTE), 1.78, 2.69),
        (Activity(booked_at=NOW - 2 * HOUR), 6.4, 8),
        (Activity(asked_at=NOW - 9 * MINUTE), 1, 1.2),
        (Activity(asked_at=NOW - 11 * MINUTE), 6.4, 8),
        (Activity(next_appointment_at=NOW + HOUR), 1.78, 2.69),
        (Activity(next_appointment_at=NOW + 20 * HOUR), 4, 6),
        (Activity(next_appointment_at=NOW + 2 * DAY), 6.4, 8),
        (Activity(next_appointment_at=NOW - MINUTE), 6.4, 8),
        (Activity(changed_at=NOW - 5 * HOUR, booked_at=NOW - 30 * MINUTE), 1.78, 2.69),
        (Activity(changed_at=NOW + MINUTE), 1, 1.2),
    ],
)
def test_the_more_is_going_on_the_sooner_an_account_is_looked_at_again(
    activity: Activity, least: float, most: float
) -> None:
    found = [wait / MINUTE for wait in looks(activity)]

    assert least <= min(found) <= least + 0.02 * (most - least) + 0.01
    assert most - 0.02 * (most - least) - 0.01 <= max(found) <= most
    assert abs(mean(found) - (least + most) / 2) < 0.1 * (most - least)


def test_what_we_know_of_a_quiet_account_stays_younger_than_ten_minutes_with_two_left_for_delays() -> None:
    bounds = Bounds.around(5 * MINUTE)

    assert bounds == Bounds(MINUTE, 5 * MINUTE, 8 * MINUTE)


@pytest.mark.parametrize("usual", [SECOND, 2 * SECOND, 5 * SECOND, 59 * SECOND])
def test_an_interval_below_a_minute_is_held_to_whatever_is_going_on(usual: timedelta) -> None:
    bounds = Bounds.around(usual)

    found = [wait / usual for activity in (Activity(), Activity(changed_at=NOW)) for wait in looks(activity, bounds)]

    assert min(found) >= 0.8
    assert max(found) <= 1.2


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(MINUTE, MINUTE, MINUTE),
        Bounds(4 * MINUTE, 5 * MINUTE, 5 * MINUTE),
        Bounds.around(5 * MINUTE, longest=HOUR),
        Bounds.around(5 * MINUTE, shortest=SECOND),
    ],
)
@pytest.mark.parametrize("quiet_for", [timedelta(0), 30 * MINUTE, 5 * HOUR, 9 * DAY])
def test_no_wait_leaves_the_bounds(bounds: Bounds, quiet_for: timedelta) -> None:
    found = looks(Activity(changed_at=NOW - quiet_for), bounds)

    assert bounds.shortest <= min(found)
    assert max(found) <= bounds.longest


@pytest.mark.parametrize("bounds", [(2, 1, 3), (1, 3, 2), (0, 1, 2)])
def test_bounds_that_are_not_in_order_cannot_be_built(bounds: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="order"):
        Bounds(*(number * MINUTE for number in bounds))


def test_the_same_pass_of_the_same_connection_waits_the_same() -> None:
    def wait(one: str, nth_pass: int) -> timedelta:
        return next_look(one, nth_pass, bounds=USUAL, activity=Activity(), now=NOW)

    assert wait("a", 7) == wait("a", 7)
    assert wait("a", 7) != wait("a", 8)
    assert wait("a", 7) != wait("b", 7)


@pytest.mark.parametrize(("failures", "middle"), [(1, 1), (2, 2), (3, 4)])
def test_each_failure_in_a_row_doubles_the_wait(failures: int, middle: int) -> None:
    found = tries(failures)

    assert min(found) >= MINUTE * middle * 0.8
    assert max(found) <= MINUTE * middle * 1.2


@pytest.mark.parametrize(("failures", "middle"), [(1, 1), (2, 2), (5, 16), (6, 32), (7, 64)])
def test_each_failure_in_a_row_doubles_the_wait_where_apple_asks_for_one(failures: int, middle: int) -> None:
    found = tries(failures, retry_after=MINUTE)

    assert min(found) >= MINUTE * middle
    assert max(found) <= MINUTE * middle * 1.2


@pytest.mark.parametrize("failures", [5, 9, 60, 10_000])
def test_after_any_outage_an_account_is_looked_at_within_the_longest_usual_wait(failures: int) -> None:
    assert max(tries(failures)) <= USUAL.longest


@pytest.mark.parametrize("failures", [1, 2, 8, 9, 60, 10_000])
def test_a_wait_after_failure_is_between_a_minute_and_two_hours(failures: int) -> None:
    found = tries(failures)

    assert min(found) >= MINUTE
    assert max(found) <= 2 * HOUR


@pytest.mark.parametrize("asked", [MINUTE, 10 * MINUTE, HOUR, 2 * HOUR])
def test_retry_after_is_never_violated(asked: timedelta) -> None:
    found = tries(retry_after=asked)

    assert min(found) >= asked
    assert max(found) <= asked * 1.2


def test_a_retry_after_that_is_absurd_is_brought_within_bounds() -> None:
    assert min(tries(retry_after=timedelta(0))) >= MINUTE
    assert max(tries(retry_after=timedelta(days=30))) <= 2 * HOUR * 1.2


def test_a_short_retry_after_does_not_undo_the_back_off() -> None:
    assert min(tries(7, retry_after=MINUTE)) >= 64 * MINUTE
