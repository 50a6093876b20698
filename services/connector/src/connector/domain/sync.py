"""What the workers tell about the reading of a connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connector.domain.connection import Connection, Progress, State


class SyncState(StrEnum):
    """How well a connection's calendars are known, in the words of availability's answers."""

    IMPORTING = "importing"
    FRESH = "fresh"
    STALE = "stale"
    NEEDS_RECONNECT = "needs_reconnect"


@dataclass(frozen=True, slots=True)
class Word:
    """Whose reading a report is about; of two reports the one with the larger (epoch, revision) is true."""

    connection_id: str
    epoch: int
    revision: int


@dataclass(frozen=True, slots=True)
class Read:
    """All conflict calendars were read, the oldest of them up to `as_of`."""

    of: Word
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Importing:
    """The first import is under way."""

    of: Word
    progress: Progress


@dataclass(frozen=True, slots=True)
class Refused:
    """Apple refuses the credential for good."""

    of: Word


Report = Read | Importing | Refused


def sync_state(connection: Connection, now: datetime, stale_after: timedelta) -> SyncState:
    """How well the calendars are known at `now`; knowledge older than `stale_after` is stale."""
    if connection.state is State.NEEDS_RECONNECT:
        return SyncState.NEEDS_RECONNECT
    if connection.reading.as_of is None:
        return SyncState.IMPORTING
    return SyncState.FRESH if now - connection.reading.as_of <= stale_after else SyncState.STALE
