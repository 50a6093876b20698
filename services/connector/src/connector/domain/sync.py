"""What the workers tell about the reading of a connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connector.domain.connection import Connection, State
from connector.domain.reading import CalendarAge, HeldRemovals, Progress, Quarantined


class SyncState(StrEnum):
    """How well a connection's calendars are known, in the words of availability's answers."""

    IMPORTING = "importing"
    FRESH = "fresh"
    STALE = "stale"
    NEEDS_RECONNECT = "needs_reconnect"


@dataclass(frozen=True, slots=True)
class Word:
    """Whose reading a report is about; of two reports of one kind the one with the larger (epoch, revision) is true.

    All kinds share one sequence of revisions and do not come in its order: a kind's newest says nothing of another's.
    Kinds are: how far reading is (Read, Importing, Refused), and for each calendar its holds, and its quarantine.
    """

    connection_id: str
    epoch: int
    revision: int


@dataclass(frozen=True, slots=True)
class Read:
    """A pass ended: all conflict calendars are read up to `as_of`, save those in `behind`.

    It went by the setup of the connection's revision `setup_revision`, where that was told.
    """

    of: Word
    as_of: datetime
    behind: tuple[CalendarAge, ...] = ()
    setup_revision: int | None = None

    @property
    def oldest(self) -> datetime | None:
        """A connection is as old as its oldest calendar; None: one of them was never read."""
        ages = [age.as_of for age in self.behind]
        return None if None in ages else min((self.as_of, *(age for age in ages if age is not None)))


@dataclass(frozen=True, slots=True)
class Importing:
    """The first import is under way."""

    of: Word
    progress: Progress


@dataclass(frozen=True, slots=True)
class Refused:
    """Apple refuses the credential for good, from `since` on; up to `as_of` it had let us read."""

    of: Word
    since: datetime | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Removals are not believed until somebody settles it. Said anew when somebody has, for a day, or that is over."""

    of: Word
    removals: HeldRemovals


@dataclass(frozen=True, slots=True)
class Settled:
    """Removals that were held were carried out or dropped."""

    of: Word
    calendar_id: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Everything of one calendar that cannot be read now; with a count of 0 all of it can."""

    of: Word
    quarantined: Quarantined


Report = Read | Importing | Refused | Held | Settled | Unreadable


def sync_state(connection: Connection, now: datetime, stale_after: timedelta) -> SyncState:
    """How well the calendars are known at `now`; knowledge older than `stale_after` is stale."""
    if connection.state is State.NEEDS_RECONNECT:
        return SyncState.NEEDS_RECONNECT
    if connection.reading.as_of is None or any(age.as_of is None for age in connection.ages):
        return SyncState.IMPORTING
    return SyncState.FRESH if now - connection.reading.as_of <= stale_after else SyncState.STALE
