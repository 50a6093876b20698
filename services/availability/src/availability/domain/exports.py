"""What becomes of an appointment on its way to the linked calendar, as far as we can tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from availability.domain.changes import Access
from availability.domain.freshness import Connection
from availability.domain.intervals import Span


class ExportState(StrEnum):
    """Whether the linked calendar shows an appointment; or of a cancelled one, whether it is rid of it."""

    PENDING = "pending"
    NOT_EXPORTED = "not_exported"
    EXPORTED = "exported"
    FAILED = "failed"
    REMOVED = "removed"
    """Cancelled, and gone from the linked calendar."""


NOT_CONNECTED = "not_connected"
READ_ONLY_ACCESS = "read_only_access"
NO_LINKED_CALENDAR = "no_linked_calendar"
NEEDS_RECONNECT = "needs_reconnect"


@dataclass(frozen=True, slots=True)
class Written:
    """When a connection's linked calendar last came to be as it was wanted."""

    connection_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the worker said of one revision; `reason` is None where the linked calendar is as it is wanted.

    A failure with `next_try_at` is tried again by itself. `written` goes with success, and outlives later failures.
    `as_agreed`: it stands there so, and nothing is left of what the user changed.
    """

    revision: int
    reason: str | None = None
    next_try_at: datetime | None = None
    written: Written | None = None
    as_agreed: bool = field(default=False, compare=False)


class ChangeKind(StrEnum):
    """What a user may do to an exported appointment on the Apple side."""

    MOVED = "moved"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """The user changed on the Apple side what was exported of one revision."""

    revision: int
    kind: ChangeKind
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """The state, why it is so, what the user changed in iCloud of what is agreed on now, and since when it is so.

    `at` is told of what is in the linked calendar as wanted, or gone from it.
    """

    state: ExportState
    reason: str | None = None
    change: Change | None = None
    at: datetime | None = None


def export_of(
    agreed_revision: int, outcome: Outcome | None, change: Change | None, connections: Sequence[Connection]
) -> Export:
    """How the newest agreement fares; what was said of older ones does not count.

    A user has one connection; while a new one is known before the end of the old, the newest word is any one's.
    """
    now = outcome if outcome is not None and outcome.revision >= agreed_revision else None
    seen = change if change is not None and change.revision >= agreed_revision else None
    if now is not None and now.reason is None:
        return Export(ExportState.EXPORTED, change=seen, at=now.written.at if now.written else None)
    barrier = _barrier(connections)
    if barrier is not None:
        return Export(ExportState.NOT_EXPORTED, barrier, seen)
    return _on_its_way(now, seen, connections)


def removal_of(cancelled_revision: int, outcome: Outcome | None, connections: Sequence[Connection]) -> Export:
    """How a cancelled one fares on its way out of the linked calendar.

    What never came into it is not taken out, and for no reason; nothing is told of it either. What a connection wrote
    that has ended stays where it is.
    """
    now = outcome if outcome is not None and outcome.revision >= cancelled_revision else None
    written = outcome.written if outcome is not None else None
    if now is not None and now.reason is None:
        return Export(ExportState.REMOVED, at=written.at if written else None)
    # An older release has not noted what was written.
    was_there = outcome is not None and (outcome.reason is None or written is not None)
    if now is None and not was_there:
        return Export(ExportState.NOT_EXPORTED)
    barrier = _barrier(connections)
    if barrier is None and written and written.connection_id not in {connection.id for connection in connections}:
        barrier = NOT_CONNECTED
    if barrier is not None:
        return Export(ExportState.NOT_EXPORTED, barrier)
    return _on_its_way(now, None, connections)


def _on_its_way(now: Outcome | None, seen: Change | None, connections: Sequence[Connection]) -> Export:
    """What is not as wanted yet; `now` is what went wrong lately."""
    if now is not None:
        state = ExportState.FAILED if now.next_try_at is None else ExportState.PENDING
        return Export(state, now.reason, seen)
    waits = any(connection.needs_reconnect for connection in connections)
    return Export(ExportState.PENDING, NEEDS_RECONNECT if waits else None, seen)


def _barrier(connections: Sequence[Connection]) -> str | None:
    if not connections:
        return NOT_CONNECTED
    full = [connection for connection in connections if connection.access is Access.FULL]
    if not full:
        return READ_ONLY_ACCESS
    return None if any(connection.linked_calendar_id for connection in full) else NO_LINKED_CALENDAR
