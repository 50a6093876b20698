"""What became of appointments in iCloud, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from connector.domain.outlook import Appointment
from connector.inbound.pages.moments import Moments

MOST: Final = 10
_DONE: Final = frozenset({"booked", "rescheduled", "edited", "cancelled"})
_STATES: Final = frozenset({"pending", "exported", "failed", "not_exported"})
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
_ICONS: Final = {"exported": "check", "pending": "hourglass", "failed": "alert", "not_exported": "info"}


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
    newest = sorted(appointments, key=lambda one: (one.at, one.start), reverse=True)
    return [_shown(one, moments) for one in newest[:MOST]]


def _shown(one: Appointment, moments: Moments) -> WrittenShown:
    words = moments.words
    state = one.export if one.export in _STATES else "pending"
    done = one.what if one.what in _DONE else "edited"
    reason = one.reason if one.reason in _REASONS else "other"
    return WrittenShown(
        title=one.title,
        when=moments.exactly(one.start),
        state=state,
        icon=_ICONS[state],
        said=words(f"written.{done}") if state == "exported" else words(f"written.{state}"),
        reason=words(f"written.reason.{reason}") if one.reason and state != "exported" else "",
        ago=moments.ago(one.at),
        changed=_changed(one, moments),
    )


def _changed(one: Appointment, moments: Moments) -> str:
    there = one.changed
    if there is None:
        return ""
    change = there.change if there.change in _CHANGES else "edited"
    if change == "moved" and there.start is not None:
        return moments.words("written.changed.moved_to", when=moments.exactly(there.start))
    return moments.words(f"written.changed.{change}")
