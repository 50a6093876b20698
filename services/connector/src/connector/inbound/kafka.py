"""What the workers tell on `icloud.sync.v1`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.domain.calendars import Calendar, name_shown
from connector.domain.connection import Progress
from connector.domain.sync import Importing, Read, Refused, Report, Word
from contracts import facts
from contracts.events import CalendarsChanged, CredentialsRejected, Event, SyncCompleted, SyncProgress
from contracts.topics import SYNC
from runtime.kafka import Delivery, Subscription

GROUP: Final = "connector"


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
                await self._record_calendars(_word(delivery.event), tuple(map(_calendar, delivery.event.calendars)))


def _reports(delivery: Delivery) -> Iterator[Report]:
    match delivery.event:
        case SyncCompleted(connections=several):
            for one in several:
                # The connection is as old as its oldest calendar; 0 says that one was never read.
                oldest = min((one.as_of, *(calendar.as_of for calendar in one.calendars)))
                if oldest > 0:
                    yield Read(Word(one.connection_id, one.epoch, one.revision), datetime.fromtimestamp(oldest, UTC))
        case SyncProgress() as event:
            yield Importing(_word(event), Progress(event.imported, event.total))
        case CredentialsRejected() as event:
            yield Refused(_word(event))


def _word(event: Event) -> Word:
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
