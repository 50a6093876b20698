"""When a user is busy, and how well we know it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from availability.domain.blocking import Decision, Facts, Rule, decide
from availability.domain.changes import WhenStale
from availability.domain.doubts import Doubt
from availability.domain.freshness import Ageing, Connection, Freshness, freshness
from availability.domain.intervals import Span, Window, clipped, merged, overlapping

CONFLICTS: Final = 200
"""So many parts of one appointment's time are told as taken: in a quarter of a year may lie hundreds of thousands."""


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Which event it is."""

    id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class KnownOccurrences:
    """Occurrences of one calendar that share their facts: of any of its events, or of `event`."""

    calendar_id: str
    facts: Facts
    spans: Sequence[Span]
    event: KnownEvent | None = None


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

    @property
    def spans(self) -> Sequence[Span]:
        return (self.span,)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a user at one moment: the living connections, and what happens near the time asked about."""

    connections: tuple[Connection, ...] = ()
    occurrences: tuple[KnownOccurrences, ...] = ()
    entries: tuple[Entry, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    """Of the conflict calendars, where they were asked for."""

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
    age = freshness(known.connections, ageing, window)
    if age.consequence is WhenStale.CLOSE:
        return Busy(((window.start, window.end),), age)
    return Busy(merged(clipped(blocking(known), window)), age)


def is_closed(known: Known, ageing: Ageing) -> bool:
    """Whether the account lets nobody be booked because a calendar could not be read for too long."""
    return freshness(known.connections, ageing).consequence is WhenStale.CLOSE


def decisions(known: Known) -> Iterator[tuple[KnownOccurrences | Entry, Decision]]:
    """Everything that is known to take time, and whether it blocks; every answer goes by this."""
    rules = {calendar: rule for connection in known.connections for calendar, rule in connection.calendars}
    for alike in known.occurrences:
        yield alike, decide(alike.facts, rules.get(alike.calendar_id))
    for entry in known.entries:
        yield entry, Decision(blocks=True, rule=Rule(entry.kind))


def blocking(known: Known, *, but: str | None = None) -> Iterator[Span]:
    """All time that is taken, as it comes; `but` names an appointment that does not stand in its own way."""
    for one, decision in decisions(known):
        if decision.blocks and not (isinstance(one, Entry) and one.id == but):
            yield from one.spans


def in_the_way(known: Known, span: Span, *, but: str | None = None) -> tuple[Span, ...]:
    """What keeps `span` from being booked, whole, joined to CONFLICTS at most; nothing where it is free."""
    return joined(overlapping(blocking(known, but=but), span), CONFLICTS)


def parts(taken: Iterable[Span], span: Span) -> tuple[Span, ...]:
    """What of `span`, an appointment's, these take as well; CONFLICTS at most, joined where they are more.

    Two appointments cannot take the same time; what is found came from iCloud or is time off.
    """
    first, last = span
    return joined([(max(start, first), min(end, last)) for start, end in overlapping(taken, span)], CONFLICTS)


def joined(spans: Sequence[Span], most: int) -> tuple[Span, ...]:
    """Merged spans as `most` at most, by joining those with the least time between them: nothing of them gets lost."""
    by_gap = sorted(range(1, len(spans)), key=lambda place: spans[place][0] - spans[place - 1][1])
    apart = sorted(by_gap[max(0, len(spans) - most) :])
    return tuple(
        (spans[first][0], spans[end - 1][1])
        for first, end in zip([0, *apart], [*apart, len(spans)], strict=True)
        if first < end
    )
