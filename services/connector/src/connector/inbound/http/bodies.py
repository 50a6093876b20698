"""What goes out over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

from connector.domain.calendars import AllDayRule, WhenStale
from connector.domain.connection import Access
from connector.domain.reading import CalendarState
from connector.domain.sync import SyncState


def rfc3339(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class CalendarBody(_Out):
    """A calendar of the Apple account."""

    id: str
    name: str
    color: str | None
    """`#RRGGBB`."""
    writable: bool
    supported: bool
    reason: str | None
    """Why it is not supported: `subscribed` or `reminders`."""
    new: bool
    """It came after the setup was chosen, and is not in it: it blocks nothing until the user says so."""


class ConflictCalendarBody(_Out):
    """A calendar whose events block time."""

    id: str
    all_day: AllDayRule


class SetupBody(_Out):
    """Which calendars count, and how."""

    linked_calendar_id: str | None
    conflict_calendars: list[ConflictCalendarBody]
    titles: bool
    """Whether titles of events are shown in CrocoClick."""
    when_stale: WhenStale
    """What counts while a calendar could not be read for too long."""
    alarm_minutes: int | None
    """So long before an exported appointment its alarm rings; null: no alarm."""


class ProgressBody(_Out):
    """How far the first import is."""

    imported: int
    total: int | None
    """Null while it is not known."""


class CalendarAgeBody(_Out):
    """How well one conflict calendar is known."""

    id: str
    as_of: Moment | None
    """Null: it was never read."""
    state: CalendarState
    """`waiting`: it is new in the setup and about to be read."""


class HeldBody(_Out):
    """Events that went from a calendar all at once, and block until the user confirms that."""

    calendar_id: str
    since: Moment
    known: int
    """So many events there were."""
    missing: int
    """So many of them are gone."""
    doubt: str | None
    """`emptied`, `shrunken`, `incomplete`, `vanished`."""
    kept_until: Moment | None
    """Somebody has said that these events stay: nobody is asked again before. Null: it waits for an answer."""


class UnreadableBody(_Out):
    """An event that cannot be read; where its time is known, it blocks."""

    reason: str
    start: Moment | None
    end: Moment | None


class QuarantinedBody(_Out):
    """What cannot be read of one calendar."""

    calendar_id: str
    count: int
    objects: list[UnreadableBody]
    """The first twenty."""


class SyncBody(_Out):
    """How well the calendars are known."""

    state: SyncState
    as_of: Moment | None
    """Up to when everything is read; null before the first import is complete."""
    progress: ProgressBody | None
    calendars: list[CalendarAgeBody]
    """Each conflict calendar."""


_EXAMPLE: dict[str, JsonValue] = {
    "id": "6f1e2d3c4b5a49788796a5b4c3d2e1f0",
    "state": "connected",
    "access": "read_only",
    "apple_id_hint": "c…@icloud.com",
    "time_zone": "Europe/Paris",
    "setup": {
        "linked_calendar_id": None,
        "conflict_calendars": [{"id": "0a1b2c3d4e5f60718293a4b5", "all_day": "as_marked"}],
        "titles": False,
        "when_stale": "keep",
        "alarm_minutes": None,
    },
    "setup_chosen": False,
    "calendars": [
        {
            "id": "0a1b2c3d4e5f60718293a4b5",
            "name": "Privé",
            "color": "#1BADF8",
            "writable": True,
            "supported": True,
            "reason": None,
            "new": False,
        },
        {
            "id": "5b4a39281706f5e4d3c2b1a0",
            "name": "Jours fériés",
            "color": "#CC73E1",
            "writable": False,
            "supported": False,
            "reason": "subscribed",
            "new": False,
        },
    ],
    "sync": {
        "state": "importing",
        "as_of": None,
        "progress": {"imported": 120, "total": 480},
        "calendars": [{"id": "0a1b2c3d4e5f60718293a4b5", "as_of": None, "state": "waiting"}],
    },
    "held_removals": [],
    "quarantined": [],
    "needs_reconnect_since": None,
    "last_worked_at": None,
    "apple_id_remembered": True,
    "created_at": "2026-11-23T08:30:00Z",
}


class ConnectionBody(_Out):
    """A user's iCloud connection."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    state: str = Field(json_schema_extra={"enum": ["connected", "needs_reconnect"]})
    access: Access
    apple_id_hint: str
    """The Apple ID, shortened."""
    time_zone: str
    setup: SetupBody
    setup_chosen: bool
    """False: the safe default holds until the user chooses."""
    calendars: list[CalendarBody]
    sync: SyncBody
    held_removals: list[HeldBody]
    quarantined: list[QuarantinedBody]
    needs_reconnect_since: Moment | None
    last_worked_at: Moment | None
    """When Apple last let us look."""
    apple_id_remembered: bool
    """Whether a reconnect needs the password alone."""
    created_at: Moment


class ConnectionsBody(_Out):
    """A user's connections."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}, {"items": []}]})

    items: list[ConnectionBody]
    """None or one."""
