"""Announcements as events on `calendar.connections.v1`, wishes for a look on `icloud.sync-requests.v1`."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from connector.application.publish import FAULTS, Unpublishable, Unpublished
from connector.application.refusals import NobodyToAsk
from connector.application.request_sync import Request
from connector.domain.connection import Announcement, News, Terms
from contracts import facts
from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    Event,
    HeldSince,
    RequestReason,
    SyncRequested,
)
from contracts.topics import CONNECTIONS
from contracts.wire import WireRecord, encode, tombstone
from runtime.kafka import Publisher, PublishFailed, RecordTooLarge
from runtime.kafka.publisher import key_hash
from runtime.kafka.traces import with_trace

_SOURCE: Final = "connector"
_WITH_TERMS: Final = {
    News.CONNECTED: CalendarConnected,
    News.RECONNECTED: CalendarReconnected,
    News.SETUP_CHANGED: CalendarSetupChanged,
}
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
PATIENCE: Final = timedelta(seconds=4)
"""For a request: somebody at a page waits for it, and nobody keeps it when Kafka is away."""


class KafkaAnnouncer:
    """Keyed by connection, so that a connection's announcements lie in the order in which they were told."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def lane(self, connection_id: str) -> int:
        """The connection's partition: its leader may be away while the others are there."""
        return key_hash(connection_id) % CONNECTIONS.partitions

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Return when Kafka has acknowledged all. Raises Unpublished, Unpublishable."""
        await self._publish(announcements, _record_of)

    async def forget(self, ends: Sequence[Announcement]) -> None:
        """End the keys of these connections. Raises Unpublished, Unpublishable."""
        await self._publish(ends, _end_of_key)

    async def _publish(
        self, announcements: Sequence[Announcement], written: Callable[[Announcement], WireRecord]
    ) -> None:
        try:
            records = [written(one) for one in announcements]
        except FAULTS as error:
            raise Unpublishable from error
        try:
            await self._publisher.publish(records)
        except RecordTooLarge as error:
            raise Unpublishable from error
        except PublishFailed as failed:
            # Who has set a topic's bound lower than ours is not away.
            kind = Unpublishable if isinstance(failed.__cause__, _TOO_LARGE) else Unpublished
            raise kind from failed


class KafkaWorkers:
    """Asks the workers by an event that nobody keeps for later."""

    def __init__(self, publisher: Publisher, *, patience: timedelta = PATIENCE) -> None:
        self._publisher = publisher
        self._patience = patience.total_seconds()

    async def ask(self, request: Request) -> None:
        """Return when Kafka has it. Raises NobodyToAsk; the request may still arrive then."""
        record = encode(requested(request), source=_SOURCE, time=request.at)
        try:
            async with asyncio.timeout(self._patience):
                await self._publisher.publish([record])
        except (PublishFailed, TimeoutError) as failed:
            raise NobodyToAsk from failed


def _record_of(announcement: Announcement) -> WireRecord:
    record = encode(event_of(announcement), source=_SOURCE, time=announcement.at)
    return with_trace(record, announcement.trace)


def _end_of_key(end: Announcement) -> WireRecord:
    return tombstone(event_of(end), source=_SOURCE, time=end.at)


def requested(request: Request) -> SyncRequested:
    """The request in the contract's shape; of a connection's requests the later one has the larger revision."""
    connection = request.connection
    return SyncRequested(
        account_id=connection.owner.account_id,
        user_id=connection.owner.user_id,
        connection_id=connection.id,
        epoch=connection.epoch,
        revision=int(request.at.timestamp() * 1000),
        reason=RequestReason.USER,
        requested_at=int(request.at.timestamp()),
        confirm_removals=request.confirm,
        keep_removals=request.keep,
        held_since=tuple(
            HeldSince(calendar_id=one, since=int(since.timestamp())) for one, since in request.seen.items()
        ),
    )


def event_of(announcement: Announcement) -> Event:
    """The announcement in the contract's shape."""
    identity = {
        "account_id": announcement.owner.account_id,
        "user_id": announcement.owner.user_id,
        "connection_id": announcement.connection_id,
        "epoch": announcement.epoch,
        "revision": announcement.revision,
    }
    if announcement.terms is None:
        return CalendarDisconnected.model_validate(identity)
    return _WITH_TERMS[announcement.news].model_validate(identity | _terms(announcement.terms))


def _terms(terms: Terms) -> dict[str, object]:
    setup = terms.setup
    return {
        "access": facts.Access(terms.access),
        "time_zone": terms.time_zone,
        "calendars": tuple(
            facts.Calendar(
                id=c.id,
                name=c.name,
                color=c.color,
                writable=c.writable,
                supported=c.supported,
                reason=c.reason,
                shared=c.shared,
            )
            for c in terms.calendars
        ),
        "setup": facts.Setup(
            linked_calendar_id=setup.linked_calendar_id,
            conflict_calendars=tuple(
                facts.ConflictCalendar(id=c.id, all_day=facts.AllDayRule(c.all_day), since=c.since)
                for c in setup.conflict_calendars
            ),
            titles=setup.titles,
            when_stale=facts.WhenStale(setup.when_stale),
            alarm_minutes=setup.alarm_minutes,
        ),
    }
