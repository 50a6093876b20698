"""When a user can be booked. Room before and after is the caller's to ask for, as part of the duration."""

from collections.abc import Iterable, Iterator
from typing import Final

from availability.domain.intervals import Span, Window

MOST_STARTS: Final = 10_000
"""A quarter of a year has 8,832 quarters of an hour."""


class TooManyStarts(ValueError):
    """The grid is too fine for a time so long."""


def free(taken: Iterable[Span], window: Window, duration: int) -> tuple[Span, ...]:
    """The open spans of at least `duration` seconds between what is taken: that is merged, sorted and in the window."""
    return tuple((start, end) for start, end in _gaps(taken, window) if end - start >= duration)


def bookable(taken: Iterable[Span], window: Window, duration: int, step: int) -> tuple[Span, ...]:
    """Every [t, t + duration) that is open, t being the window's start or any number of steps of `step` seconds after.

    They may overlap each other: each is one that can be had. Raises TooManyStarts.
    """
    if (window.end - window.start) // step > MOST_STARTS:
        raise TooManyStarts
    return tuple(
        (at, at + duration)
        for start, end in _gaps(taken, window)
        for at in range(_on_grid(start, window.start, step), end - duration + 1, step)
    )


def _gaps(taken: Iterable[Span], window: Window) -> Iterator[Span]:
    at = window.start
    for start, end in taken:
        if at < start:
            yield (at, start)
        at = end
    if at < window.end:
        yield (at, window.end)


def _on_grid(at: int, origin: int, step: int) -> int:
    """The first point of the grid that is not before `at`."""
    return at + (origin - at) % step
