"""What the workers tell on `icloud.sync.v1`."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.domain.calendars import Calendar, name_shown
from connector.domain.reading import (
    MOST_OBJECTS_SHOWN,
    CalendarAge,
    CalendarState,
    HeldRemovals,
    Progress,
    Quarantined,
    UnreadableEvent,
)
from connector.domain.sync import Held, Importing, Read, Refused, Report, Settled, Unreadable, Word
from contracts import facts
from contracts.events import (
    CalendarsChanged,
    CompletedSync,
    CredentialsRejected,
    EventsQuarantined,
    HoldState,
    QuarantinedObject,
    RemovalsHeld,
    SyncCompleted,
    SyncProgress,
)
from contracts.topics import SYNC
from runtime import tracing
from runtime.kafka import Delivery, Subscription

GROUP: Final = "connector"
_ID: Final = re.compile(r"[0-9A-Za-z_-]+")
"""Ids of calendars become names of fields."""
Told = SyncProgress | CredentialsRejected | CalendarsChanged | RemovalsHeld | EventsQuarantined


class SyncWords:
    """The handler of the topic: reports of a batch in one write, calendars one by one."""

    def __init__(self, record_reports: RecordReports, record_calendars: RecordCalendars) -> None:
        self._record_reports = record_reports
        self._record_calendars = record_calendars

    def subscription(self, group: str = GROUP) -> Subscription:
        """To be followed by one consumer group for all replicas."""
        return Subscription(SYNC.name, group, self)

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        """Done when all of it is kept; the other events of the topic are not for us."""
        await self._record_reports([report for delivery in deliveries for report in _reports(delivery)])
        for delivery in deliveries:
            if isinstance(delivery.event, CalendarsChanged):
                with tracing.following(delivery.trace):
                    await self._record_calendars(_word(delivery.event), tuple(map(_calendar, delivery.event.calendars)))


def _reports(delivery: Delivery) -> Iterator[Report]:
    match delivery.event:
        case SyncCompleted(connections=several):
            yield from (_read(one) for one in several if one.as_of)
        case SyncProgress() as event:
            yield Importing(_word(event), Progress(event.imported, event.total))
        case CredentialsRejected() as event:
            yield Refused(_word(event), _moment(event.since), _moment(event.as_of))
        case RemovalsHeld() as event if _ID.fullmatch(event.calendar_id):
            yield _hold(event)
        case EventsQuarantined() as event if _ID.fullmatch(event.calendar_id):
            objects = tuple(map(_unreadable, event.objects[:MOST_OBJECTS_SHOWN]))
            yield Unreadable(_word(event), Quarantined(event.calendar_id, len(event.objects), objects))


def _read(one: CompletedSync) -> Read:
    behind = tuple(CalendarAge(age.id, _moment(age.as_of), CalendarState(age.state)) for age in one.calendars)
    word = Word(one.connection_id, one.epoch, one.revision)
    return Read(word, datetime.fromtimestamp(one.as_of, UTC), behind, one.setup_revision)


def _hold(event: RemovalsHeld) -> Held | Settled:
    if event.state is not HoldState.HELD:
        return Settled(_word(event), event.calendar_id)
    since = datetime.fromtimestamp(event.since, UTC)
    kept_until = _moment(event.kept_until)
    held = HeldRemovals(event.calendar_id, since, event.known, event.missing, event.doubt, kept_until)
    return Held(_word(event), held)


def _unreadable(told: QuarantinedObject) -> UnreadableEvent:
    start, end = told.span or (None, None)
    return UnreadableEvent(told.event_id, told.reason, _moment(start), _moment(end))


def _moment(seconds: int | None) -> datetime | None:
    """None and 0 mean never."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _word(event: Told) -> Word:
    return Word(event.connection_id, event.epoch, event.revision)


def _calendar(told: facts.Calendar) -> Calendar:
    return Calendar(
        id=told.id,
        name=name_shown(told.name),
        color=told.color,
        writable=told.writable,
        supported=told.supported,
        reason=told.reason,
        shared=told.shared,
    )
