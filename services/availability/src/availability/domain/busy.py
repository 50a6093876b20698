"""When a user is busy, and how well we know it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from availability.domain.blocking import AllDayRule, Facts, decide
from availability.domain.freshness import Ageing, Connection, Freshness, freshness
from availability.domain.intervals import Span, Window, clipped, merged


@dataclass(frozen=True, slots=True)
class KnownOccurrences:
    """Occurrences of one calendar, of any of its events, that share their facts."""

    calendar_id: str
    facts: Facts
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a user at one moment: the living connections, and what happens near the time asked about."""

    connections: tuple[Connection, ...] = ()
    occurrences: tuple[KnownOccurrences, ...] = ()


@dataclass(frozen=True, slots=True)
class Busy:
    """Busy spans, merged, sorted, and cut to the window that was asked about."""

    spans: tuple[Span, ...]
    freshness: Freshness


def busy(known: Known, window: Window, ageing: Ageing) -> Busy:
    """The answer to "when is this user busy?"."""
    rules = {calendar: rule for connection in known.connections for calendar, rule in connection.calendars}
    spans = merged(clipped(_blocking(known.occurrences, rules), window))
    return Busy(spans, freshness(known.connections, ageing))


def _blocking(occurrences: Iterable[KnownOccurrences], rules: Mapping[str, AllDayRule]) -> Iterator[Span]:
    for alike in occurrences:
        if decide(alike.facts, rules.get(alike.calendar_id)).blocks:
            yield from alike.spans
