"""The calendars of an Apple account, and which of them block time."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

MOST_CALENDARS: Final = 500
"""Apple allows 100. This many, with the longest names, make an announcement of half a megabyte; Kafka takes one."""
LONGEST_ALARM_MINUTES: Final = 4 * 7 * 24 * 60
"""Four weeks, the contract's limit."""
_LONGEST_NAME: Final = 200
"""Characters; no list shows more."""


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


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar; `reason` says why it is not supported, `shared` that it belongs to somebody else."""

    id: str
    name: str
    color: str | None
    writable: bool
    supported: bool
    reason: str | None
    shared: bool


@dataclass(frozen=True, slots=True)
class ConflictCalendar:
    """A calendar whose events are imported and block time."""

    id: str
    all_day: AllDayRule = AllDayRule.AS_MARKED
    since: int = field(default=0, compare=False)
    """The revision of the connection that took it in, or gave it another time zone: what was read by an older one knows
    nothing of it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The user's choices. The linked calendar is always a conflict calendar."""

    conflict_calendars: tuple[ConflictCalendar, ...]
    linked_calendar_id: str | None = None
    titles: bool = False
    when_stale: WhenStale = WhenStale.KEEP
    alarm_minutes: int | None = None
    """So long before an exported appointment its alarm rings; None: it has no alarm."""

    def __post_init__(self) -> None:
        if self.linked_calendar_id and self.linked_calendar_id not in self.conflict_ids:
            raise ValueError("the linked calendar must be among the conflict calendars")
        if len(self.conflict_ids) != len(self.conflict_calendars):
            raise ValueError("a calendar is named twice")
        if self.alarm_minutes is not None and not 0 <= self.alarm_minutes <= LONGEST_ALARM_MINUTES:
            raise ValueError("an alarm rings within the four weeks before its appointment")

    @property
    def conflict_ids(self) -> frozenset[str]:
        """The ids of the calendars that block time."""
        return frozenset(c.id for c in self.conflict_calendars)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a user chooses on the setup page, all of it at once.

    The linked calendar need not be named among the conflict calendars. Without a time zone the present one stays.
    `made_from` are words for what was shown (`offers.offer`), one of which must hold still; None: it is made for
    whatever there is.
    """

    linked_calendar_id: str | None
    conflict_calendars: tuple[ConflictCalendar, ...]
    titles: bool
    when_stale: WhenStale
    alarm_minutes: int | None = None
    time_zone: str | None = None
    made_from: frozenset[str] | None = None


def name_shown(name: str) -> str:
    """A calendar's name, bounded."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def safe_default(calendars: Iterable[Calendar]) -> Setup:
    """What holds from the first minute: every supported calendar of the user's own blocks time, none is linked."""
    return Setup(tuple(ConflictCalendar(c.id) for c in calendars if _blocks_by_default(c)))


def with_newcomers(setup: Setup, known: Iterable[Calendar], listed: Iterable[Calendar], *, since: int) -> Setup:
    """The setup of a user who has not chosen yet, after the account's calendars became `listed` with revision `since`.

    A new calendar falls under the safe default, so that nobody is booked over it. None is taken out: one that
    vanished from a listing may come back with the next, and its blocks with it would be gone until then.
    """
    old = {c.id for c in known} | setup.conflict_ids
    new = tuple(ConflictCalendar(c.id, since=since) for c in listed if c.id not in old and _blocks_by_default(c))
    return replace(setup, conflict_calendars=(*setup.conflict_calendars, *new))


def _blocks_by_default(calendar: Calendar) -> bool:
    return calendar.supported and not calendar.shared
