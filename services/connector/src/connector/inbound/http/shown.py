"""A connection as its user may see it over HTTP."""

from datetime import datetime, timedelta

from fastapi import Response

from connector.domain.calendars import Setup
from connector.domain.connection import Connection
from connector.domain.offers import offer
from connector.domain.reading import HeldRemovals, Progress, Quarantined
from connector.domain.sync import sync_state
from connector.inbound.http.bodies import (
    CalendarAgeBody,
    CalendarBody,
    ConflictCalendarBody,
    ConnectionBody,
    HeldBody,
    ProgressBody,
    QuarantinedBody,
    SetupBody,
    SyncBody,
    UnreadableBody,
)
from connector.inbound.http.stories import Stories
from runtime.http.conditions import quoted


def shown(connection: Connection, stories: Stories) -> ConnectionBody:
    """The connection as it is to be answered now."""
    return body_of(connection, stories.clock(), stories.stale_after)


def answered(connection: Connection, stories: Stories, response: Response) -> ConnectionBody:
    """The same, with its ETag on the response."""
    response.headers["ETag"] = quoted(offer(connection.terms))
    return shown(connection, stories)


def body_of(connection: Connection, now: datetime, stale_after: timedelta) -> ConnectionBody:
    """The connection as its user may see it."""
    return ConnectionBody(
        id=connection.id,
        state=connection.state.value,
        access=connection.terms.access,
        apple_id_hint=connection.apple.hint,
        time_zone=connection.terms.time_zone,
        setup=_setup(connection.terms.setup),
        setup_chosen=connection.chosen,
        calendars=_calendars(connection),
        sync=SyncBody(
            state=sync_state(connection, now, stale_after),
            as_of=connection.reading.as_of,
            progress=_progress(connection.reading.progress),
            calendars=[CalendarAgeBody(id=a.calendar_id, as_of=a.as_of, state=a.state) for a in connection.ages],
        ),
        held_removals=[_held(one, now) for one in connection.held],
        quarantined=[_quarantined(one) for one in connection.quarantined],
        needs_reconnect_since=connection.needs_reconnect_since,
        last_worked_at=connection.last_worked_at,
        apple_id_remembered=connection.apple.remembered is not None,
        created_at=connection.created_at,
    )


def _setup(setup: Setup) -> SetupBody:
    return SetupBody(
        linked_calendar_id=setup.linked_calendar_id,
        conflict_calendars=[ConflictCalendarBody(id=c.id, all_day=c.all_day) for c in setup.conflict_calendars],
        titles=setup.titles,
        when_stale=setup.when_stale,
        alarm_minutes=setup.alarm_minutes,
    )


def _calendars(connection: Connection) -> list[CalendarBody]:
    new = {c.id for c in connection.newcomers}
    return [
        CalendarBody(
            id=c.id,
            name=c.name,
            color=c.color,
            writable=c.writable,
            supported=c.supported,
            reason=c.reason,
            new=c.id in new,
        )
        for c in connection.terms.calendars
    ]


def _held(one: HeldRemovals, now: datetime) -> HeldBody:
    return HeldBody(
        calendar_id=one.calendar_id,
        since=one.since,
        known=one.known,
        missing=one.missing,
        doubt=one.doubt,
        kept_until=one.kept(now),
    )


def _quarantined(one: Quarantined) -> QuarantinedBody:
    objects = [UnreadableBody(reason=o.reason, start=o.start, end=o.end) for o in one.objects]
    return QuarantinedBody(calendar_id=one.calendar_id, count=one.count, objects=objects)


def _progress(progress: Progress | None) -> ProgressBody | None:
    return None if progress is None else ProgressBody(imported=progress.imported, total=progress.total)
