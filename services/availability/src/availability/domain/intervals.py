"""Times as half-open spans [start, end) in epoch seconds UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]
"""[start, end) in epoch seconds UTC; start <= end."""

_DAY: Final = 24 * 60 * 60
LONGEST_WINDOW_DAYS: Final = 92
"""A quarter of a year: the longest that a calendar page or a booking page looks at."""
EARLIEST: Final = 0
LATEST: Final = 253_402_214_400
"""9999-12-31T00:00:00Z: anything later cannot be written as RFC 3339."""


class WindowInvalid(ValueError):
    """Nobody can be asked about this time."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time a question is about: not empty, at most 92 days, between 1970 and 9999."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not EARLIEST <= self.start < self.end <= LATEST:
            raise WindowInvalid("start must be before end, and both between 1970 and 9999")
        if self.end - self.start > LONGEST_WINDOW_DAYS * _DAY:
            raise WindowInvalid(f"start and end are more than {LONGEST_WINDOW_DAYS} days apart")


def overlapping(spans: Iterable[Span], span: Span) -> tuple[Span, ...]:
    """Those that share time with `span`, whole, as few as possible and sorted. Touching shares no time."""
    first, last = span
    return merged((start, end) for start, end in spans if start < last and end > first)


def clipped(spans: Iterable[Span], window: Window) -> Iterator[Span]:
    """The parts of `spans` that lie inside the window; what has no length is left out."""
    first, last = window.start, window.end
    for start, end in spans:
        if start < last and end > first and start < end:
            yield (max(start, first), min(end, last))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time as few spans as possible, sorted: overlapping and touching ones become one."""
    together: list[Span] = []
    for start, end in sorted(spans):
        if start == end:
            continue
        if together and start <= together[-1][1]:
            if end > together[-1][1]:
                together[-1] = (together[-1][0], end)
        else:
            together.append((start, end))
    return tuple(together)
