import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.allowance import BURST_SECONDS, GRANT_SECONDS, Purse, SlowStart, burst, share


@pytest.mark.parametrize("per_second", [1, 2, 3, 4, 7, 10, 50, 1_000])
def test_what_may_leave_in_ten_seconds_is_at_most_a_tenth_more_than_the_budget(per_second: int) -> None:
    granted = int(burst(per_second) + per_second * (10 + GRANT_SECONDS) + 1e-9)

    assert granted <= 1.1 * per_second * 10


def test_a_drawn_request_is_used_once() -> None:
    purse = Purse(50)
    purse.fill(2, asked_at=0.0)

    assert [purse.spend(0.1) for _ in range(3)] == [True, True, False]


def test_what_was_drawn_lapses_by_the_time_of_the_question() -> None:
    purse = Purse(50)
    purse.fill(5, asked_at=1.0)

    assert purse.spend(1.0 + GRANT_SECONDS * 0.99)
    assert not purse.spend(1.0 + GRANT_SECONDS)


def test_of_an_answer_that_comes_too_late_one_may_go_and_one_is_asked_for_next() -> None:
    purse = Purse(50)
    purse.fill(5, asked_at=1.0, answered_at=1.0 + GRANT_SECONDS)

    went = [purse.spend(1.0 + GRANT_SECONDS) for _ in range(2)]
    slow = purse.wanted(9, now=2.0)
    purse.fill(1, asked_at=2.0, answered_at=2.1)

    assert went == [True, False]
    assert slow == 1
    assert purse.wanted(9, now=2.2) > 1


def test_more_is_drawn_ahead_the_faster_it_goes_and_nothing_when_it_goes_slowly() -> None:
    purse = Purse(50)
    wanted = []
    now = 0.0
    for _ in range(6):
        wanted.append(purse.wanted(1, now))
        purse.fill(wanted[-1], asked_at=now)
        while purse.spend(now):
            pass
        now += 0.2
    after_a_while = purse.wanted(1, now + 5)

    assert wanted == [1, 2, 4, 8, 15, 15]
    assert after_a_while == 1


def test_what_lapses_unused_is_not_drawn_ahead_again() -> None:
    purse = Purse(50)
    for n in range(5):
        purse.fill(purse.wanted(1, n * 0.2), asked_at=n * 0.2)
        while purse.spend(n * 0.2):
            pass
    purse.fill(purse.wanted(1, 1.0), asked_at=1.0)
    purse.spend(1.0)

    assert purse.wanted(1, 1.7) == 8


def test_no_more_is_drawn_than_the_bucket_can_hold() -> None:
    assert Purse(50).wanted(500, 0.0) == int(50 * BURST_SECONDS)
    assert Purse(1).wanted(500, 0.0) == 1


@pytest.mark.parametrize(("seconds", "part"), [(0, 0.1), (10, 0.2), (20, 0.4), (30, 0.8), (33.3, 1), (3_600, 1)])
def test_a_slow_start_begins_at_a_tenth_and_doubles_every_ten_seconds(seconds: float, part: float) -> None:
    assert share(seconds) == pytest.approx(part)


@given(per_second=st.integers(1, 200), seed=st.integers(0, 9))
def test_a_slow_start_lets_no_more_go_than_its_part_of_the_budget(per_second: int, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a model
    start = SlowStart(per_second, since=100.0)
    went: list[float] = []
    now = 100.0
    while now < 130.0 and len(went) < 500:
        now += dice.expovariate(per_second * 2)
        wait = start.turn(now, patience=30)
        if wait is not None:
            went.append(now + wait)

    for second in range(30):
        allowed = per_second * share(second + 1)
        assert sum(100 + second <= at < 101 + second for at in went) <= allowed + 1


def test_whoever_would_wait_too_long_takes_no_turn() -> None:
    start = SlowStart(10, since=0.0)
    waits = [start.turn(0.0, patience=3) for _ in range(10)]

    assert waits[:4] == pytest.approx([0.0, 1.0, 1.93, 2.81], abs=0.01)
    assert waits[4:] == [None] * 6
    assert not start.over(30.0)
    assert start.over(34.0)
