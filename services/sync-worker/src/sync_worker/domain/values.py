"""The values that the worker's decisions are made of. Times are epoch seconds UTC, spans are half-open."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[start, end) in epoch seconds UTC. May be empty (start == end), never inverted."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a span ends before it starts")

    def touches(self, start: int, end: int) -> bool:
        """Whether [start, end) shares time with this span; an empty one is where it starts.

        Cutting this span in two anywhere gives two that together touch the same spans.
        """
        return start < self.end and (end > self.start or start == end == self.start)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Facts:
    """What decides whether an occurrence blocks. `travel_seconds` is how much of the span's front is travel."""

    cancelled: bool = False
    declined: bool = False
    transparent: bool = False
    tentative: bool = False
    own_appointment: bool = False
    all_day: bool = False
    travel_seconds: int = 0


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Occurrences that share their facts: sorted pairs of start and end, without doubles."""

    facts: Facts
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedObject:
    """One calendar object, expanded over a horizon. `groups` are sorted by facts; none is empty.

    `floating` tells that some of its times depend on the zone of the connection, `goes_on` that a longer horizon might
    show more of it. `tied_to` are the user's appointments (by name) whose time decides whether it is one of them.
    """

    uid: str
    title: str | None = field(repr=False)
    all_day: bool
    floating: bool
    groups: tuple[FactGroup, ...]
    goes_on: bool = True
    tied_to: tuple[str, ...] = ()


class Flaw(StrEnum):
    """Why a calendar object cannot be read. The values are stable: they are stored and shown."""

    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_A_CALENDAR = "not_a_calendar"
    TRUNCATED = "truncated"
    START_MISSING = "start_missing"
    TIME_MALFORMED = "time_malformed"
    TRAVEL_MALFORMED = "travel_malformed"
    ZONE_UNKNOWN = "zone_unknown"
    ZONE_MALFORMED = "zone_malformed"
    RULE_MALFORMED = "rule_malformed"
    RULE_UNSUPPORTED = "rule_unsupported"
    TOO_MANY_OCCURRENCES = "too_many_occurrences"
    TOO_MUCH_WORK = "too_much_work"


class Unreadable(Exception):
    """The object must be quarantined; what can be told of its time blocks all the same.

    `span` is its first occurrence in the horizon, else the first time it names, else None.
    `groups` is all that could be read of it inside the horizon, perhaps less than there is, never made up.
    """

    def __init__(self, reason: str, span: Span | None = None, groups: tuple[FactGroup, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span
        self.groups = groups
