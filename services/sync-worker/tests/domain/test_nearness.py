from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.nearness import nearest_first
from sync_worker.domain.values import Span

DAY = 86_400


def test_the_next_fortnight_comes_first_then_the_next_three_months_then_the_rest() -> None:
    windows = nearest_first(Span(0, 402 * DAY))

    assert windows == (Span(0, 15 * DAY), Span(15 * DAY, 91 * DAY), Span(91 * DAY, 402 * DAY))


def test_a_short_horizon_is_one_window() -> None:
    assert nearest_first(Span(0, 15 * DAY)) == (Span(0, 15 * DAY),)


@given(start=st.integers(0, 10**9), length=st.integers(0, 1_200 * DAY), at=st.integers(0, 1_200 * DAY))
def test_no_moment_of_a_horizon_is_left_out_or_asked_twice(start: int, length: int, at: int) -> None:
    horizon = Span(start, start + length)

    windows = nearest_first(horizon)

    moment = start + at
    assert sum(window.start <= moment < window.end for window in windows) == (horizon.start <= moment < horizon.end)
