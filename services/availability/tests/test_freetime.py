from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from availability.domain.freetime import TooManyStarts, bookable, free
from availability.domain.intervals import Span, Window, clipped, merged

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
spans_of_minutes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60)).map(lambda pair: (pair[0] * MINUTE, sum(pair) * MINUTE)),
    max_size=20,
)
windows = st.tuples(st.integers(0, 200), st.integers(1, 200)).map(
    lambda pair: Window(pair[0] * MINUTE, sum(pair) * MINUTE)
)
lengths = st.integers(1, 90).map(lambda minutes: minutes * MINUTE)


def taken(spans: list[Span], window: Window) -> tuple[Span, ...]:
    return merged(clipped(spans, window))


def open_minutes(spans: list[Span], window: Window) -> list[int]:
    """The oracle looks at one minute after the other."""
    return [
        minute
        for minute in range(window.start, window.end, MINUTE)
        if not any(start <= minute < end for start, end in spans)
    ]


@given(spans_of_minutes, windows, lengths)
def test_free_is_every_run_of_open_minutes_that_is_long_enough(
    spans: list[Span], window: Window, duration: int
) -> None:
    runs: list[list[int]] = []
    for minute in open_minutes(spans, window):
        if runs and runs[-1][-1] == minute - MINUTE:
            runs[-1].append(minute)
        else:
            runs.append([minute])

    found = free(taken(spans, window), window, duration)

    assert found == tuple((run[0], run[-1] + MINUTE) for run in runs if len(run) * MINUTE >= duration)
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(spans_of_minutes, windows, lengths, lengths)
def test_bookable_is_every_start_on_the_grid_whose_minutes_are_all_open(
    spans: list[Span], window: Window, duration: int, step: int
) -> None:
    still = set(open_minutes(spans, window))
    starts = range(window.start, window.end, step)
    expected = [at for at in starts if all(minute in still for minute in range(at, at + duration, MINUTE))]

    found = bookable(taken(spans, window), window, duration, step)

    assert found == tuple((at, at + duration) for at in expected)


def test_what_is_booked_may_touch_what_is_taken_on_both_sides() -> None:
    window = Window(0, 3 * HOUR)

    found = bookable([(0, HOUR), (2 * HOUR, 3 * HOUR)], window, HOUR, HOUR)

    assert found == ((HOUR, 2 * HOUR),)
    assert free([(0, HOUR), (2 * HOUR, 3 * HOUR)], window, HOUR + 1) == ()


def test_the_grid_begins_at_the_start_that_was_asked_for_wherever_that_is() -> None:
    window = Window(7 * MINUTE, 60 * MINUTE)

    found = bookable([(10 * MINUTE, 20 * MINUTE)], window, 15 * MINUTE, 15 * MINUTE)

    assert [start // MINUTE for start, _ in found] == [22, 37]


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_a_day_on_which_the_clocks_change_has_as_many_hours_as_it_lasts(month: int, day: int, hours: int) -> None:
    paris = ZoneInfo("Europe/Paris")
    first, last = (datetime(2026, month, date, tzinfo=paris).astimezone(UTC) for date in (day, day + 1))
    window = Window(int(first.timestamp()), int(last.timestamp()))

    found = bookable((), window, HOUR, HOUR)

    assert len(found) == hours
    assert free((), window, HOUR) == ((window.start, window.end),)


def test_a_grid_that_is_too_fine_is_refused_whatever_is_taken() -> None:
    quarter = Window(0, 92 * DAY)

    assert len(bookable((), quarter, 15 * MINUTE, 15 * MINUTE)) == 92 * 24 * 4
    with pytest.raises(TooManyStarts):
        bookable([(0, 92 * DAY)], quarter, HOUR, 5 * MINUTE)
