"""The values that several events share."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(min_length=1, max_length=128)]
EpochSeconds = Annotated[int, Field(description="Seconds since 1970-01-01T00:00:00Z")]


class Value(BaseModel):
    """Frozen; what a newer writer added is ignored, so that a minor version never breaks a reader."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Access(StrEnum):
    """What the user allowed: `read_only` is our promise never to write."""

    READ_ONLY = "read_only"
    FULL = "full"


class AllDayRule(StrEnum):
    """How all-day events of one calendar count."""

    AS_MARKED = "as_marked"
    ALWAYS_BLOCK = "always_block"
    NEVER_BLOCK = "never_block"


class WhenStale(StrEnum):
    """What the account wants when a calendar could not be read for too long."""

    KEEP = "keep"
    CLOSE = "close"
    WARN = "warn"


class Calendar(Value):
    """One calendar of the connected Apple account."""

    id: Id
    name: str
    color: str | None = None
    """`#RRGGBB` or `#RRGGBBAA`."""
    writable: bool
    supported: bool
    reason: str | None = None
    """Why it is not supported: `subscribed` or `reminders`."""
    shared: bool = False
    """Shared to the user by somebody else."""


class ConflictCalendar(Value):
    """A calendar whose events are imported and block time."""

    id: Id
    all_day: AllDayRule = AllDayRule.AS_MARKED
    since: Annotated[int, Field(ge=0)] | None = None
    """The connection's revision that took it in, or gave it another time zone: what was read by the setup of an older
    one says nothing of it. None: it was not told, and may be the event's own."""


class Setup(Value):
    """The user's choices. A linked calendar is always among the conflict calendars."""

    linked_calendar_id: Id | None = None
    conflict_calendars: tuple[ConflictCalendar, ...]
    titles: bool = False
    """Whether titles may leave the worker."""
    when_stale: WhenStale = WhenStale.KEEP
    alarm_minutes: Annotated[int, Field(ge=0, le=40_320)] | None = None
    """So long before an exported appointment its alarm rings; None: no alarm."""

    @model_validator(mode="after")
    def _linked_is_a_conflict_calendar(self) -> Self:
        if self.linked_calendar_id and self.linked_calendar_id not in {c.id for c in self.conflict_calendars}:
            raise ValueError("the linked calendar must be among the conflict calendars")
        return self


class OccurrenceFacts(Value):
    """What decides whether occurrences block. What is left out has its default."""

    cancelled: bool = False
    declined: bool = False
    transparent: bool = False
    """Marked free, or all-day without TRANSP (RFC 5545 section 3.8.2.7; Apple's own reading of all-day events)."""
    tentative: bool = False
    own_appointment: bool = False
    """An appointment that we exported ourselves."""
    all_day: bool = False
    travel_seconds: Annotated[int, Field(ge=0)] = 0
    """How much of each span, at its start, is travel time."""


Span = tuple[EpochSeconds, EpochSeconds]


class OccurrenceGroup(Value):
    """Occurrences that share their facts; spans are half-open [start, end), sorted, travel time included."""

    facts: OccurrenceFacts = OccurrenceFacts()
    spans: tuple[Span, ...]

    @model_validator(mode="after")
    def _spans_run_forward(self) -> Self:
        if any(start > end for start, end in self.spans):
            raise ValueError("a span ends before it starts")
        return self
