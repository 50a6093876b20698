"""What is known of the reading of a connection's calendars."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MOST_OBJECTS_SHOWN: Final = 20
"""Of one calendar's quarantine; how many there are is told beside them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first import is; `total` where it is known."""

    imported: int
    total: int | None


class CalendarState(StrEnum):
    """How the last reading of one calendar went."""

    READ = "read"
    FAILED = "failed"
    HELD = "held"
    WAITING = "waiting"
    """It has not been read by the setup that has it."""


@dataclass(frozen=True, slots=True)
class CalendarAge:
    """Up to when one calendar is read; None: it never was."""

    calendar_id: str
    as_of: datetime | None
    state: CalendarState


@dataclass(frozen=True, slots=True)
class HeldRemovals:
    """A calendar came back emptied or far smaller: `missing` of `known` events. They block until this is settled.

    `doubt` is `emptied`, `shrunken`, `incomplete` or `vanished`, None where the worker did not say. `kept_until`:
    somebody has said that the events stay, and is asked again only then.
    """

    calendar_id: str
    since: datetime
    known: int
    missing: int
    doubt: str | None = None
    kept_until: datetime | None = None

    def kept(self, now: datetime) -> datetime | None:
        """Until when the events stay by somebody's word; None: it waits for an answer, perhaps once more."""
        return self.kept_until if self.kept_until and self.kept_until > now else None


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """One object that cannot be read: why, in a short word, and when it would be; the time blocks where it is known."""

    event_id: str
    reason: str
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What cannot be read of one calendar: `count` in all, the first of them named."""

    calendar_id: str
    count: int
    objects: tuple[UnreadableEvent, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the workers last told.

    `as_of`: up to when all calendars are read. `looked_at`: when Apple last let us look, by the setup of revision
    `setup_revision` (None: not told); all calendars are read up to then, save those in `behind`.
    `refused_since`: Apple refuses the credential from then on.
    """

    as_of: datetime | None = None
    progress: Progress | None = None
    looked_at: datetime | None = None
    setup_revision: int | None = None
    behind: tuple[CalendarAge, ...] = ()
    held: tuple[HeldRemovals, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    refused_since: datetime | None = None


NOTHING_READ: Final = Reading()
"""Where every connection begins."""
