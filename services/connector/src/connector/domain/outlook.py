"""What availability knows of a user's coming time, as far as it is shown here.

Kinds, rules, states and reasons are availability's own words. It may learn new ones any day, so none is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that touches the time, and the rule that decided; no time is one that nobody can tell."""

    kind: str
    rule: str
    start: datetime | None
    end: datetime | None
    calendar_id: str | None = None
    id: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What blocks, what was seen and ignored, and how well it is known: `as_of` is the age of the oldest calendar."""

    blocking: tuple[Reason, ...]
    ignored: tuple[Reason, ...]
    as_of: datetime | None
    state: str
    more: tuple[str, ...] = ()
    """Which of the two tell no more than what begins first: `blocking`, `ignored`."""

    @property
    def cut(self) -> Mapping[str, datetime]:
        """Where the last thing told of such a side begins. From then on more of it may be there than is told."""
        sides = {"blocking": self.blocking, "ignored": self.ignored}
        starts = {side: [one.start for one in told if one.start] for side, told in sides.items() if side in self.more}
        return {side: max(moments) for side, moments in starts.items() if moments}


@dataclass(frozen=True, slots=True)
class Tried:
    """The outlook as another choice of calendars would make it."""

    outlook: Outlook
    marked_free: Mapping[str, int | None]
    """By calendar, how many all-day events ahead are marked free; None where the calendar was never read."""


@dataclass(frozen=True, slots=True)
class ChangedThere:
    """What the user did to an appointment in iCloud; the start that it has there now, where it was moved."""

    change: str
    start: datetime | None


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment made in CrocoClick, and how it fares in iCloud.

    `what` was last agreed, at `at`. `export` is a state, `reason` says why it is so, `export_at` since when.
    """

    id: str
    title: str
    start: datetime
    what: str
    at: datetime
    export: str
    reason: str | None
    changed: ChangedThere | None = None
    cancelled: bool = False
    export_at: datetime | None = None
