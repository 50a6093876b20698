"""What happened to imported events and connections, in the order that epochs and revisions give them.

Whatever order the news come in, and however often: of two about one thing the larger version is true.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from availability.domain.blocking import AllDayRule, Facts
from availability.domain.intervals import Span


class Access(StrEnum):
    """What a user allowed: `read_only` is our promise never to write."""

    READ_ONLY = "read_only"
    FULL = "full"


class WhenStale(StrEnum):
    """What an account makes of calendars that could not be read for too long."""

    KEEP = "keep"
    """What was known last goes on to count."""
    WARN = "warn"
    """As keep, and every answer says so."""
    CLOSE = "close"
    """Nobody is booked until they are read again."""


class Finality(IntEnum):
    """How far an event is gone; of two news with one epoch and revision the more final is true."""

    ALIVE = 0
    REMOVED = 1
    ENDED = 2


class Version(NamedTuple):
    """When something was true; compared in this order."""

    epoch: int
    revision: int
    finality: Finality = Finality.ALIVE


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose it is."""

    account_id: str
    user_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Occurrences that share their facts; travel time is part of a span."""

    facts: Facts
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """An event as last read from iCloud, with all its occurrences."""

    event_id: str
    version: Version
    owner: Owner
    calendar_id: str
    groups: tuple[Occurrences, ...]
    title: str | None = None
    """Only where the user lets titles leave iCloud."""


@dataclass(frozen=True, slots=True)
class Gone:
    """An event is no more. A tombstone does not say of which connection it was: then `connection_id` is None."""

    event_id: str
    version: Version
    connection_id: str | None


EventChange = Imported | Gone


@dataclass(frozen=True, slots=True)
class SetUp:
    """A connection lives, and these calendars block, each with its all-day rule."""

    owner: Owner
    version: Version
    calendars: tuple[tuple[str, AllDayRule], ...]
    access: Access = Access.READ_ONLY
    linked_calendar_id: str | None = None
    titles: bool = False
    when_stale: WhenStale = WhenStale.KEEP
    since: tuple[tuple[str, int], ...] = ()
    """The revisions that took calendars in, where they were told."""

    @property
    def connection_id(self) -> str:
        return self.owner.connection_id


@dataclass(frozen=True, slots=True)
class Completed:
    """The connection's calendars were read up to `as_of`, but for those in `behind` (None: never read yet).

    The pass went by the setup of `setup_revision`, and all that lies in `known` was read, where that was told.
    """

    connection_id: str
    version: Version
    as_of: datetime
    behind: tuple[tuple[str, datetime | None], ...]
    setup_revision: int | None = None
    known: Span | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Apple refuses the credential for good; `as_of` is up to when we had read, if ever."""

    connection_id: str
    version: Version
    as_of: datetime | None


ConnectionNews = SetUp | Completed | Rejected


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection is over for good; a new one has a new id."""

    connection_id: str
    version: Version


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The event that a pass said last: once it is applied, everything of the pass is."""

    connection_id: str
    event_id: str
    epoch: int
    revision: int


def newest_events(changes: Iterable[EventChange]) -> tuple[EventChange, ...]:
    """One change per event, the newest."""
    newest: dict[str, EventChange] = {}
    for change in changes:
        known = newest.get(change.event_id)
        if known is None or known.version < change.version:
            newest[change.event_id] = change
    return tuple(newest.values())
