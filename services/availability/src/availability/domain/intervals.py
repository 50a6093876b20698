"""Times as half-open spans [start, end) in epoch seconds UTC."""

from collections.abc import Iterable
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
LATEST_TAKEN: Final = 4_102_444_800
"""2100-01-01T00:00:00Z: nobody is booked or off any later. Questions may go on to where calendars end; what is booked
is written into them, with time zones and alarms around it."""


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


def meets(span: Span, window: Window) -> bool:
    """Whether the span shares time with the window; one without length: whether it lies in it."""
    start, end = span
    return start < window.end and (end > window.start or start == end == window.start)


def overlapping(spans: Iterable[Span], span: Span) -> tuple[Span, ...]:
    """Those that share time with `span`, whole, as few as possible and sorted. Touching shares no time."""
    first, last = span
    return merged((start, end) for start, end in spans if start < last and end > first)


def clipped(spans: Iterable[Span], window: Window) -> list[Span]:
    """The parts of `spans` that lie inside the window; what has no length is left out."""
    first, last = window.start, window.end
    # Conditions instead of min and max: this and the next are half of what an answer costs, and calls are dear.
    return [
        (start if start > first else first, end if end < last else last)  # noqa: FURB136 - see above
        for start, end in spans
        if start < last and end > first and start < end
    ]


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time as few spans as possible, sorted: overlapping and touching ones become one."""
    ordered = sorted([span for span in spans if span[0] != span[1]])
    if not ordered:
        return ()
    together: list[Span] = []
    begin, finish = ordered[0]
    for start, end in ordered:
        if start > finish:
            together.append((begin, finish))
            begin, finish = start, end
        elif end > finish:
            finish = end
    together.append((begin, finish))
    return tuple(together)
