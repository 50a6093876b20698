"""What became of appointments in iCloud, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from connector.domain.outlook import Appointment
from connector.inbound.pages.moments import Moments

MOST: Final = 10
_DONE: Final = frozenset({"booked", "rescheduled", "edited"})
_STATES: Final = frozenset({"pending", "exported", "failed", "not_exported"})
_STATES_OF_CANCELLED: Final = frozenset({"pending", "removed", "failed", "not_exported"})
_AS_WANTED: Final = frozenset({"exported", "removed"})
_REASONS: Final = frozenset(
    {
        "calendar_gone",
        "calendar_read_only",
        "icloud_not_understood",
        "icloud_unavailable",
        "needs_reconnect",
        "no_linked_calendar",
        "not_connected",
        "passed",
        "quota",
        "read_only_access",
        "refused",
        "uid_conflict",
    }
)
_CHANGES: Final = frozenset({"moved", "edited", "deleted"})
_ICONS: Final = {
    "exported": "check",
    "removed": "check",
    "pending": "hourglass",
    "failed": "alert",
    "not_exported": "info",
}


@dataclass(frozen=True, slots=True)
class WrittenShown:
    """One appointment and how it fares in iCloud: in a word, why, since when, and what the user changed there."""

    title: str
    when: Markup
    state: str
    icon: str
    said: str
    reason: str
    ago: Markup
    changed: str


def written_shown(appointments: Sequence[Appointment], moments: Moments) -> Sequence[WrittenShown]:
    """Those that something happened to last, newest first."""
    newest = sorted(filter(_was_there, appointments), key=lambda one: (_at(one), one.start), reverse=True)
    return [_shown(one, moments) for one in newest[:MOST]]


def _was_there(one: Appointment) -> bool:
    """What was called off before it came to iCloud is of no interest there."""
    return not one.cancelled or one.export != "not_exported" or one.reason is not None


def _at(one: Appointment) -> datetime:
    """When it was taken out, or else agreed."""
    return one.export_at if one.export == "removed" and one.export_at else one.at


def _shown(one: Appointment, moments: Moments) -> WrittenShown:
    words = moments.words
    states = _STATES_OF_CANCELLED if one.cancelled else _STATES
    state = one.export if one.export in states else "pending"
    reason = one.reason if one.reason in _REASONS else "other"
    return WrittenShown(
        title=one.title,
        when=moments.exactly(one.start),
        state=state,
        icon=_ICONS[state],
        said=words(f"written.{_said(one, state)}"),
        reason=words(f"written.reason.{reason}") if one.reason and state not in _AS_WANTED else "",
        ago=moments.ago(_at(one)),
        changed=_changed(one, moments),
    )


def _said(one: Appointment, state: str) -> str:
    if one.cancelled:
        return f"cancelled.{state}"
    if state == "exported":
        return one.what if one.what in _DONE else "edited"
    return state


def _changed(one: Appointment, moments: Moments) -> str:
    there = one.changed
    if there is None:
        return ""
    change = there.change if there.change in _CHANGES else "edited"
    if change == "moved" and there.start is not None:
        return moments.words("written.changed.moved_to", when=moments.exactly(there.start))
    return moments.words(f"written.changed.{change}")
