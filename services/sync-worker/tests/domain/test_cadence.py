from datetime import timedelta
from statistics import mean

import pytest

from sync_worker.domain.cadence import next_wait

BASE = timedelta(minutes=5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def waits(**outcome: object) -> list[timedelta]:
    return [next_wait(f"connection-{n}", n, base=BASE, **outcome) for n in range(500)]  # type: ignore[arg-type]  # per test


def test_polls_spread_evenly_around_the_interval() -> None:
    found = waits()

    assert BASE * 0.8 <= min(found) < BASE * 0.82
    assert BASE * 1.18 < max(found) <= BASE * 1.2
    assert abs(mean(wait / BASE for wait in found) - 1) < 0.02


def test_the_same_pass_of_the_same_connection_waits_the_same() -> None:
    assert next_wait("a", 7, base=BASE) == next_wait("a", 7, base=BASE)
    assert next_wait("a", 7, base=BASE) != next_wait("a", 8, base=BASE)
    assert next_wait("a", 7, base=BASE) != next_wait("b", 7, base=BASE)


@pytest.mark.parametrize(("failures", "middle"), [(2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 64)])
def test_each_failure_in_a_row_doubles_the_wait(failures: int, middle: int) -> None:
    found = waits(failures=failures)

    assert min(found) >= MINUTE * middle * 0.8
    assert max(found) <= MINUTE * middle * 1.2


@pytest.mark.parametrize("failures", [1, 2, 8, 9, 60, 10_000])
def test_a_wait_after_failure_is_between_a_minute_and_two_hours(failures: int) -> None:
    found = waits(failures=failures)

    assert min(found) >= MINUTE
    assert max(found) <= 2 * HOUR


@pytest.mark.parametrize("asked", [MINUTE, 10 * MINUTE, HOUR, 2 * HOUR])
def test_retry_after_is_never_violated(asked: timedelta) -> None:
    found = waits(failures=1, retry_after=asked)

    assert min(found) >= asked
    assert max(found) <= asked * 1.2


def test_a_retry_after_that_is_absurd_is_brought_within_bounds() -> None:
    assert min(waits(failures=1, retry_after=timedelta(0))) >= MINUTE
    assert max(waits(failures=1, retry_after=timedelta(days=30))) <= 2 * HOUR * 1.2


def test_a_short_retry_after_does_not_undo_the_back_off() -> None:
    assert min(waits(failures=7, retry_after=MINUTE)) >= 64 * MINUTE
