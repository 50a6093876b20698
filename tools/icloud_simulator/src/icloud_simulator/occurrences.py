"""Which objects have an instance in a time range: the honest filter of calendar-query (RFC 4791, section 9.9).

What cannot be read or would take forever is in every range: a server that stored it would have to show it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from icloud_simulator.ics import Component, Line, NotICalendar, parse
from icloud_simulator.instants import duration, instant, is_date
from icloud_simulator.rules import rule_starts

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
# Longer windows are not expanded to their end: the first instance in them decides.
_LONG = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Window:
    """A time range of a filter, half-open, aware UTC."""

    start: datetime
    end: datetime

    def meets(self, start: datetime, end: datetime) -> bool:
        """Tell whether an instance is in range. One without length counts at its start."""
        return start < self.end and (end > self.start or (end == start and start >= self.start))


class Times:
    """The instances of one object: a cheap outer span first, the single ones when asked."""

    def __init__(self, text: str) -> None:
        self.first, self.last = NEVER, EVER
        self._known: list[tuple[datetime, datetime]] = []
        self._known_until = NEVER
        self._events: list[Component] = []
        try:
            self._events = parse(text).inside("VEVENT")
            spans = [_outer(event) for event in self._events]
        except (NotICalendar, ValueError, OverflowError):
            self._events = []
            return
        if spans:
            self.first, self.last = min(first for first, _ in spans), max(last for _, last in spans)
        if not any(map(_repeats, self._events)):
            self._known, self._known_until, self._events = spans, EVER, []  # a tenth of the memory

    def in_range(self, window: Window) -> bool:
        """Tell whether any instance is in the window."""
        if not self._events and not self._known:
            return True
        if not window.meets(self.first, self.last):
            return False
        try:
            endless = window.end - window.start > _LONG and window.end > self._known_until
            spans = self._instances(window.end) if endless else self._until(window.end)
            return any(window.meets(start, end) for start, end in spans)
        except (ValueError, OverflowError):
            return True

    def _until(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        """Return the instances up to a moment or later, expanded once for all windows that end before it."""
        if moment > self._known_until:
            self._known = list(self._instances(moment))
            self._known_until = moment
        return self._known

    def _instances(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        overridden = {instant(line) for event in self._events for line in event.all("RECURRENCE-ID")}
        for event in self._events:
            start = _start(event)
            length = _length(event)
            if not _repeats(event):
                yield instant(start), instant(start) + length
                continue
            gone = overridden | {moment for line in event.all("EXDATE") for moment in _listed(line)}
            for moment in _starts(event, start, until):
                if moment not in gone:
                    yield moment, moment + length


@lru_cache(maxsize=65_536)
def times_of(text: str) -> Times:
    """Return the instances of an object's text, remembered."""
    return Times(text)


def _repeats(event: Component) -> bool:
    return event.first("RECURRENCE-ID") is None and any(event.first(name) for name in ("RRULE", "RDATE"))


def _start(event: Component) -> Line:
    line = event.first("DTSTART")
    if line is None:
        raise ValueError("no DTSTART")
    return line


def _length(event: Component) -> timedelta:
    start, end, text = _start(event), event.first("DTEND"), event.value("DURATION")
    if end is not None:
        return max(instant(end) - instant(start), timedelta())
    if text is not None:
        return max(duration(text), timedelta())
    return timedelta(days=1) if is_date(start) else timedelta()


def _outer(event: Component) -> tuple[datetime, datetime]:
    begin = instant(_start(event))
    if not _repeats(event):
        return begin, begin + _length(event)
    others = [moment for line in event.all("RDATE") for moment in _listed(line)]
    last = EVER if event.first("RRULE") else max(others) + _length(event)
    return min([begin, *others]), last


def _listed(line: Line) -> list[datetime]:
    return [instant(line, value.split("/")[0]) for value in line.value.split(",")]


def _starts(event: Component, start: Line, until: datetime) -> Iterator[datetime]:
    """Yield the starts before a moment: DTSTART itself, RDATEs, and each rule's."""
    yield instant(start)
    for line in event.all("RDATE"):
        yield from _listed(line)
    for line in event.all("RRULE"):
        yield from rule_starts(line.value, start, until)
