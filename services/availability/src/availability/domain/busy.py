"""When a user is busy, and how well we know it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from availability.domain.blocking import AllDayRule, Facts, decide
from availability.domain.freshness import Ageing, Connection, Freshness, freshness
from availability.domain.intervals import Span, Window, clipped, merged, overlapping


@dataclass(frozen=True, slots=True)
class KnownOccurrences:
    """Occurrences of one calendar, of any of its events, that share their facts."""

    calendar_id: str
    facts: Facts
    spans: Sequence[Span]


class EntryKind(StrEnum):
    """What may be entered in CrocoClick itself."""

    APPOINTMENT = "appointment"
    BLOCKED_SLOT = "blocked_slot"


@dataclass(frozen=True, slots=True)
class Entry:
    """Time that was taken in CrocoClick itself; it blocks whatever the calendars say."""

    kind: EntryKind
    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a user at one moment: the living connections, and what happens near the time asked about."""

    connections: tuple[Connection, ...] = ()
    occurrences: tuple[KnownOccurrences, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def connection_id(self) -> str | None:
        """The user's connection; any of two, in the moment when a new one is known before the end of the old."""
        return self.connections[-1].id if self.connections else None


@dataclass(frozen=True, slots=True)
class Busy:
    """Busy spans, merged, sorted, and cut to the window that was asked about."""

    spans: tuple[Span, ...]
    freshness: Freshness


def busy(known: Known, window: Window, ageing: Ageing) -> Busy:
    """The answer to "when is this user busy?"."""
    spans = merged(clipped(blocking(known), window))
    return Busy(spans, freshness(known.connections, ageing))


def blocking(known: Known, *, but: str | None = None) -> Iterator[Span]:
    """All time that is taken, as it comes; `but` names an appointment that does not stand in its own way."""
    rules = {calendar: rule for connection in known.connections for calendar, rule in connection.calendars}
    yield from _blocking(known.occurrences, rules)
    yield from (entry.span for entry in known.entries if entry.id != but)


def in_the_way(known: Known, span: Span, *, but: str | None = None) -> tuple[Span, ...]:
    """What keeps `span` from being booked, whole; nothing where it is free."""
    return overlapping(blocking(known, but=but), span)


def conflicts(known: Known, appointment_id: str, span: Span) -> tuple[Span, ...]:
    """The parts of an appointment's time that something else takes, too.

    Two appointments cannot take the same time; what is found came from iCloud or is time off.
    """
    first, last = span
    found = overlapping(blocking(known, but=appointment_id), span)
    return tuple((max(start, first), min(end, last)) for start, end in found)


def _blocking(occurrences: Iterable[KnownOccurrences], rules: Mapping[str, AllDayRule]) -> Iterator[Span]:
    for alike in occurrences:
        if decide(alike.facts, rules.get(alike.calendar_id)).blocks:
            yield from alike.spans
