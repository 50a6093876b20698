from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.attempts import DEFAULT_LIMITS, Limit, Scope, Subject, Tally, judged
from connector_examples import APPLE_ID, NOW

MINUTE = timedelta(minutes=1)
LIMIT = Limit(5, timedelta(hours=1))


def tally(*slices: tuple[int, int], open_: int = 0) -> Tally:
    """Of (minutes ago, attempts)."""
    return Tally(NOW, tuple((NOW - ago * MINUTE, number) for ago, number in slices), open_)


def until(*slices: tuple[int, int]) -> float | None:
    """Minutes to wait, as the limit of five an hour judges."""
    wait = judged({Scope.USER: LIMIT}, {Scope.USER: tally(*slices)})
    return None if wait is None else wait.after / MINUTE


def test_the_fifth_attempt_within_the_span_may_go_on_and_the_sixth_may_not() -> None:
    assert until((59, 4), (0, 1)) is None
    assert until((59, 5), (0, 1)) is not None


@pytest.mark.parametrize(
    ("slices", "minutes"),
    [
        (((59, 5), (0, 1)), 2),  # the slice that they began in lasts a minute
        (((59, 1), (30, 4), (0, 1)), 2),
        (((59, 1), (30, 4), (0, 2)), 31),  # two too many: one slot is not enough
        (((0, 6),), 61),
    ],
)
def test_the_wait_ends_when_enough_of_the_earlier_attempts_are_forgotten(
    slices: tuple[tuple[int, int], ...], minutes: int
) -> None:
    assert until(*slices) == minutes


def test_of_several_limits_the_longest_wait_counts() -> None:
    limits = {Scope.USER: LIMIT, Scope.ACCOUNT: Limit(1, timedelta(hours=2))}

    wait = judged(limits, {Scope.USER: tally((30, 5), (0, 1)), Scope.ACCOUNT: tally((30, 1), (0, 1))})

    assert wait is not None
    assert (wait.scope, wait.until) == (Scope.ACCOUNT, NOW + 92 * MINUTE)


def test_a_wait_may_end_sooner_only_where_attempts_under_way_make_it() -> None:
    def sooner(tallies: Mapping[Scope, Tally]) -> bool | None:
        wait = judged({Scope.USER: LIMIT, Scope.ACCOUNT: LIMIT}, tallies)
        return None if wait is None else wait.perhaps_sooner

    assert sooner({Scope.USER: tally((0, 6), open_=6)}) is True
    assert sooner({Scope.USER: tally((0, 6), open_=2)}) is True
    assert sooner({Scope.USER: tally((0, 6), open_=1)}) is False
    assert sooner({Scope.USER: tally((0, 6), open_=6), Scope.ACCOUNT: tally((0, 6), open_=1)}) is False


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=8, unique_by=lambda one: one[0]),
    st.integers(1, 9),
)
def test_once_the_wait_is_over_one_more_fits_and_not_before(earlier: list[tuple[int, int]], most: int) -> None:
    limit = Limit(most, timedelta(hours=1))
    slices = sorted(earlier, reverse=True)
    asked = tally(*slices, (0, 1)) if not slices or slices[-1][0] else tally(*slices[:-1], (0, slices[-1][1] + 1))

    wait = judged({Scope.USER: limit}, {Scope.USER: asked})

    at = NOW if wait is None else wait.until
    counted = sum(number for began, number in asked.slices if began + limit.slice + limit.within > at) - 1
    assert counted + 1 <= most or wait is None
    if wait is not None:
        before = at - timedelta(microseconds=1)
        assert sum(n for began, n in asked.slices if began + limit.slice + limit.within > before) > most


def test_the_defaults_are_those_that_were_promised() -> None:
    quarter, hour = timedelta(minutes=15), timedelta(hours=1)

    assert {scope: (limit.most, limit.within) for scope, limit in DEFAULT_LIMITS.items()} == {
        Scope.APPLE_ID: (5, quarter),
        Scope.USER: (10, hour),
        Scope.NETWORK: (30, hour),
        Scope.ACCOUNT: (100, hour),
        Scope.EVERYONE: (600, hour),
    }


@pytest.mark.parametrize(("most", "within"), [(0, timedelta(hours=1)), (1, timedelta(0))])
def test_a_limit_that_allows_nothing_cannot_be_built(most: int, within: timedelta) -> None:
    with pytest.raises(ValueError, match="at least"):
        Limit(most, within)


def test_a_subject_shows_its_scope_alone() -> None:
    assert APPLE_ID not in repr(Subject(Scope.APPLE_ID, (APPLE_ID,)))
