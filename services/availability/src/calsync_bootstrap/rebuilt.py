"""Availability's database, made from what the topics say by availability's own stories."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from motor.motor_asyncio import AsyncIOMotorClient

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.record_exports import RecordExports
from availability.application.record_syncs import Reach, RecordSyncs
from availability.inbound.kafka import Records, subscriptions
from availability.outbound.mongo import MongoExports, MongoTimeline
from availability.outbound.mongo.documents import Document
from contracts.topics import Topic
from contracts.wire import Undecodable, UnknownEvent, decode
from runtime.clock import Clock
from runtime.kafka import Delivery
from runtime.kafka.consumer import Record
from runtime.mongo import is_infrastructure

_PAST_WAITING: Final = timedelta(days=1)


async def _all_applied(_partition: int) -> Reach:
    """Every event is read before any pass here: what is not there lies in the dead letters, and cannot come."""
    return Reach(0, 0)


class Rebuilt:
    """A database beside the living one. `read` counts the records that went into it, `refused` those that could not."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str, clock: Clock) -> None:
        self._timeline = MongoTimeline(client, clock, database)
        records = Records(
            RecordConnections(self._timeline),
            RecordEvents(self._timeline),
            RecordSyncs(self._timeline, lambda: clock() + _PAST_WAITING, _all_applied),
            RecordExports(MongoExports(client, database)),
        )
        self._handlers = {subscription.topic: subscription.handler for subscription in subscriptions(records)}
        self.read = 0
        self.refused = 0

    async def prepare(self) -> None:
        """Make its indexes."""
        await self._timeline.prepare()

    async def take(self, topic: Topic, records: Sequence[Record]) -> None:
        """Apply records as availability does; what it would put into the dead letters is counted and left out."""
        deliveries = [delivery for record in records if (delivery := self._delivery(record)) is not None]
        if not await self._applies(topic, deliveries):
            for one in deliveries:
                self.refused += not await self._applies(topic, [one])
        self.read += len(records)

    async def _applies(self, topic: Topic, deliveries: Sequence[Delivery]) -> bool:
        try:
            await self._handlers[topic.name](deliveries)
        except Exception as error:
            # As in availability: what is refused for good costs itself only; MongoDB's absence ends everything.
            if is_infrastructure(error):
                raise
            return False
        return True

    def _delivery(self, record: Record) -> Delivery | None:
        try:
            event = decode(record.topic, record.key, record.headers, record.value)
        except Undecodable:
            self.refused += 1
            return None
        if isinstance(event, UnknownEvent):
            return None
        return Delivery(event, record.topic, record.partition, record.offset, record.timestamp)
