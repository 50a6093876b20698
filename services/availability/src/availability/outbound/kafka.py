"""What became of appointments, on `calendar.appointments.v1`, and requests for a look, on `icloud.sync-requests.v1`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from availability.application.fresh_look import NobodyToAsk
from availability.application.publish import FAULTS, Unpublishable, Unpublished
from availability.domain.appointments import Announcement, News
from availability.domain.freshness import Connection
from availability.domain.users import User
from contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentInConflict,
    AppointmentRescheduled,
    Event,
    RequestReason,
    SyncRequested,
)
from contracts.topics import APPOINTMENTS
from contracts.wire import WireRecord, encode
from runtime.kafka import Publisher, PublishFailed, RecordTooLarge
from runtime.kafka.publisher import key_hash
from runtime.kafka.traces import with_trace

_SOURCE: Final = "availability"
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)


class KafkaAnnouncer:
    """Keyed by user: all of a user's appointments lie in one partition, in the order in which they were told."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def lane(self, user: User) -> int:
        """The user's partition: its leader may be away while the others are there."""
        return key_hash(user.user_id) % APPOINTMENTS.partitions

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        """Return when Kafka has acknowledged all. Raises Unpublished, Unpublishable."""
        try:
            await self._publisher.publish(records_of(announcements))
        except RecordTooLarge as error:
            raise Unpublishable from error
        except PublishFailed as failed:
            # Who has set a topic's bound lower than ours is not away.
            kind = Unpublishable if isinstance(failed.__cause__, _TOO_LARGE) else Unpublished
            raise kind from failed


class KafkaWorkers:
    """Keyed by connection."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def ask(self, user: User, connections: Sequence[Connection], at: datetime) -> None:
        """Return once Kafka has acknowledged the requests. Raises NobodyToAsk."""
        requests = [requested(user, connection, at) for connection in connections]
        try:
            await self._publisher.publish([encode(one, source=_SOURCE, time=at) for one in requests])
        except PublishFailed as failed:
            raise NobodyToAsk from failed


def records_of(announcements: Sequence[Announcement]) -> Sequence[WireRecord]:
    """The records that tell of them. Raises Unpublishable."""
    try:
        return [with_trace(encode(event_of(one), source=_SOURCE, time=one.at), one.trace) for one in announcements]
    except FAULTS as error:
        raise Unpublishable from error


def requested(user: User, connection: Connection, at: datetime) -> SyncRequested:
    """The request in the contract's shape; of a connection's requests the later one has the larger revision."""
    return SyncRequested(
        **user._asdict(),
        connection_id=connection.id,
        epoch=connection.epoch,
        revision=int(at.timestamp() * 1000),
        reason=RequestReason.BOOKING,
        requested_at=int(at.timestamp()),
    )


def event_of(announcement: Announcement) -> Event:
    """The announcement in the contract's shape."""
    identity: dict[str, Any] = {
        **announcement.user._asdict(),
        "connection_id": announcement.connection_id,
        "epoch": 1,
        "revision": announcement.revision,
        "appointment_id": announcement.appointment_id,
    }
    agreed = announcement.agreed
    time: dict[str, Any] = {"start": agreed.span[0], "end": agreed.span[1]}
    words: dict[str, Any] = {"title": agreed.title, "location": agreed.location, "notes": agreed.notes}
    match announcement.news:
        case News.BOOKED:
            return AppointmentBooked(**identity, **time, **words)
        case News.RESCHEDULED | News.EDITED:
            return AppointmentRescheduled(**identity, **time, **words, previous=announcement.previous)
        case News.CANCELLED:
            return AppointmentCancelled(**identity)
        case News.IN_CONFLICT | News.CONFLICT_OVER:
            return AppointmentInConflict(**identity, **time, conflicts=announcement.conflicts)
