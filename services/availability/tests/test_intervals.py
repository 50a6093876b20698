from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from availability.domain.intervals import LATEST, Span, Window, WindowInvalid, clipped, merged

DAY = 24 * 3600
MINUTE = 60
spans_of_minutes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 120)).map(lambda pair: (pair[0] * MINUTE, sum(pair) * MINUTE)),
    max_size=30,
)
windows = st.tuples(st.integers(0, 300), st.integers(1, 200)).map(
    lambda pair: Window(pair[0] * MINUTE, sum(pair) * MINUTE)
)


def minutes(spans: list[Span]) -> set[int]:
    """The oracle: a grid of minutes, marked one by one."""
    return {minute for start, end in spans for minute in range(start // MINUTE, end // MINUTE)}


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], ()),
        ([(10, 20), (0, 5)], ((0, 5), (10, 20))),
        ([(0, 10), (10, 20)], ((0, 20),)),
        ([(0, 30), (10, 20)], ((0, 30),)),
        ([(0, 10), (5, 20), (20, 21), (30, 40)], ((0, 21), (30, 40))),
        ([(7, 7)], ()),
        ([(0, 5), (5, 5), (6, 7)], ((0, 5), (6, 7))),
        ([(-20, -10), (-10, 3)], ((-20, 3),)),
    ],
)
def test_overlapping_and_touching_spans_become_one(spans: list[Span], expected: tuple[Span, ...]) -> None:
    assert merged(spans) == expected


@given(spans_of_minutes)
def test_merging_keeps_exactly_the_minutes_that_were_there(spans: list[Span]) -> None:
    together = merged(spans)

    assert minutes(list(together)) == minutes(spans)
    assert all(before[1] < after[0] for before, after in pairwise(together))


@given(spans_of_minutes, windows)
def test_clipping_keeps_exactly_the_minutes_inside_the_window(spans: list[Span], window: Window) -> None:
    inside = list(clipped(spans, window))

    assert minutes(inside) == minutes(spans) & minutes([(window.start, window.end)])
    assert all(window.start <= start < end <= window.end for start, end in inside)


def test_a_span_that_only_touches_the_window_is_outside_of_it() -> None:
    assert list(clipped([(0, 10), (20, 30)], Window(10, 20))) == []


@pytest.mark.parametrize(("start", "end"), [(0, 92 * DAY), (5, 6), (LATEST - 1, LATEST)])
def test_a_window_may_be_as_long_as_ninety_two_days(start: int, end: int) -> None:
    window = Window(start, end)

    assert (window.start, window.end) == (start, end)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (5, 4), (0, 92 * DAY + 1), (-1, 5), (LATEST, LATEST + 1), (LATEST - 1, LATEST + 1)]
)
def test_a_window_that_makes_no_sense_cannot_be_built(start: int, end: int) -> None:
    with pytest.raises(WindowInvalid):
        Window(start, end)
