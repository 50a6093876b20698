from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.rejections import (
    Rejections,
    again_in,
    asks_for_a_wave,
    confirmed,
    in_a_wave,
    outlasts_a_wave,
    patience,
    rejected,
)

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
QUICK = patience(SECOND)


def counted(*seconds: float, before: Rejections | None = None) -> Rejections:
    rejections = before
    for second in seconds:
        rejections = rejected(rejections, AT + second * SECOND)
    assert rejections is not None
    return rejections


@pytest.mark.parametrize(
    ("seconds", "count", "dead"),
    [
        ((0,), 1, False),
        ((0, 75), 2, False),
        ((0, 75, 150), 3, True),
        ((0, 60, 120), 3, False),
        ((0, 10, 20, 30), 1, False),
        ((0, 59, 61), 2, False),
        ((0, 75, 80, 150), 3, True),
        ((0, 400), 2, False),
    ],
)
def test_only_several_spaced_refusals_count(seconds: tuple[float, ...], count: int, dead: bool) -> None:  # noqa: FBT001 - a table's column
    rejections = counted(*seconds)

    assert (rejections.count, confirmed(rejections, QUICK), rejections.since) == (count, dead, AT)


@pytest.mark.parametrize(
    ("between_looks", "wait"),
    [(SECOND, 150 * SECOND), (4 * MINUTE, 4 * MINUTE), (8 * MINUTE, 8 * MINUTE), (HOUR, 8 * MINUTE)],
)
def test_confirming_takes_as_long_as_looking_at_everybody_once_within_bounds(
    between_looks: timedelta, wait: timedelta
) -> None:
    assert patience(between_looks) == wait


@pytest.mark.parametrize("between_looks", [SECOND, 3 * MINUTE, 5 * MINUTE, 8 * MINUTE, HOUR])
def test_a_dead_password_is_known_within_ten_minutes_for_few_requests(between_looks: timedelta) -> None:
    wait, at, requests = patience(between_looks), AT, 1
    rejections = rejected(None, at)

    while not confirmed(rejections, wait):
        pause = again_in(rejections, wait, 0.5)
        assert pause > MINUTE
        at, requests = at + pause, requests + 1
        rejections = rejected(rejections, at)

    assert at - AT < 10 * MINUTE
    assert 3 <= requests <= 5


def test_within_a_wave_an_account_is_asked_seldom_and_not_all_of_them_at_once() -> None:
    waiting = in_a_wave(counted(0, 75, 150))

    pauses = [again_in(waiting, QUICK, n / 10) for n in range(10)]

    assert min(pauses) >= 15 * MINUTE
    assert max(pauses) < 20 * MINUTE
    assert len(set(pauses)) == 10


def test_after_a_wave_confirmation_starts_anew() -> None:
    waiting = in_a_wave(counted(0, 75, 150))

    first = counted(1200, before=waiting)
    third = counted(1275, 1350, before=first)

    assert asks_for_a_wave(waiting, first, QUICK)
    assert (first.count, first.since, first.first) == (1, AT + 1200 * SECOND, AT)
    assert not confirmed(first, QUICK)
    assert confirmed(third, QUICK)


def test_the_fleet_is_asked_only_where_its_answer_matters() -> None:
    once, twice, thrice = counted(0), counted(0, 75), counted(0, 75, 150)

    assert not asks_for_a_wave(None, once, QUICK)
    assert not asks_for_a_wave(once, twice, QUICK)
    assert asks_for_a_wave(twice, thrice, QUICK)


def test_no_wave_hides_a_dead_password_for_ever() -> None:
    waiting = counted(0, 75, 150)
    for n in range(1, 18):
        waiting = in_a_wave(counted(n * 1200, before=waiting))
    soon = counted(18 * 1200, before=waiting)

    assert not outlasts_a_wave(waiting)
    assert outlasts_a_wave(soon)
