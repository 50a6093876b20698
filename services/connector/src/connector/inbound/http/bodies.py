"""What goes in and out over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, SecretStr

from connector.domain.calendars import AllDayRule, WhenStale
from connector.domain.connection import Access, Connection, Progress
from connector.domain.sync import SyncState, sync_state


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str)]


class _In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class NewConnection(_In):
    """An Apple account to connect."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "apple_id": "camille.martin@icloud.com",
                    "app_password": "abcd-efgh-ijkl-mnop",
                    "access": "read_only",
                    "time_zone": "Europe/Paris",
                }
            ]
        }
    )

    apple_id: SecretStr
    """The e-mail address of the Apple account."""
    app_password: SecretStr
    """An app-specific password from account.apple.com: sixteen letters, with or without hyphens and spaces."""
    access: Access
    """`full` lets appointments be written into a linked calendar; `read_only` never writes."""
    time_zone: str
    """IANA name of the user's time zone, as the browser tells it."""


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


class ConflictCalendarBody(_Out):
    """A calendar whose events block time."""

    id: str
    all_day: AllDayRule


class SetupBody(_Out):
    """Which calendars count, and how."""

    linked_calendar_id: str | None
    conflict_calendars: list[ConflictCalendarBody]
    titles: bool
    when_stale: WhenStale


class ProgressBody(_Out):
    """How far the first import is."""

    imported: int
    total: int | None
    """Null while it is not known."""


class SyncBody(_Out):
    """How well the calendars are known."""

    state: SyncState
    as_of: Moment | None
    """Up to when everything is read; null before the first import is complete."""
    progress: ProgressBody | None


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
    },
    "calendars": [
        {
            "id": "0a1b2c3d4e5f60718293a4b5",
            "name": "Privé",
            "color": "#1BADF8",
            "writable": True,
            "supported": True,
            "reason": None,
        },
        {
            "id": "5b4a39281706f5e4d3c2b1a0",
            "name": "Jours fériés",
            "color": "#CC73E1",
            "writable": False,
            "supported": False,
            "reason": "subscribed",
        },
    ],
    "sync": {"state": "importing", "as_of": None, "progress": {"imported": 120, "total": 480}},
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
    calendars: list[CalendarBody]
    sync: SyncBody
    created_at: Moment


class ConnectionsBody(_Out):
    """A user's connections."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}, {"items": []}]})

    items: list[ConnectionBody]
    """None or one."""


def body_of(connection: Connection, now: datetime, stale_after: timedelta) -> ConnectionBody:
    """The connection as its user may see it."""
    terms, reading = connection.terms, connection.reading
    return ConnectionBody(
        id=connection.id,
        state=connection.state.value,
        access=terms.access,
        apple_id_hint=connection.apple.hint,
        time_zone=terms.time_zone,
        setup=SetupBody(
            linked_calendar_id=terms.setup.linked_calendar_id,
            conflict_calendars=[
                ConflictCalendarBody(id=c.id, all_day=c.all_day) for c in terms.setup.conflict_calendars
            ],
            titles=terms.setup.titles,
            when_stale=terms.setup.when_stale,
        ),
        calendars=[
            CalendarBody(
                id=c.id, name=c.name, color=c.color, writable=c.writable, supported=c.supported, reason=c.reason
            )
            for c in terms.calendars
        ],
        sync=SyncBody(
            state=sync_state(connection, now, stale_after),
            as_of=reading.as_of,
            progress=_progress(reading.progress),
        ),
        created_at=connection.created_at,
    )


def _progress(progress: Progress | None) -> ProgressBody | None:
    return None if progress is None else ProgressBody(imported=progress.imported, total=progress.total)
