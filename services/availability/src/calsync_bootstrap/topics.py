"""The topics from their beginning, as somebody reads them who comes new to them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import CONNECTIONS, ICLOUD_EVENTS, SYNC, Topic
from runtime.kafka.connection import client_arguments
from runtime.kafka.consumer import Record
from runtime.settings import KafkaSettings

Ends = Mapping[TopicPartition, int]
ORDER: Final[tuple[Topic, ...]] = (CONNECTIONS, ICLOUD_EVENTS, SYNC)
"""All that a timeline is made from. Who is connected comes first, how far was read comes last, after its events."""
_BATCH: Final = 1_000
_POLL_MS: Final = 1_000
_EMPTY_POLLS: Final = 30
"""Half a minute without a record that must be there."""
_PLACES: Final = [TopicPartition(topic.name, number) for topic in ORDER for number in range(topic.partitions)]


class Silent(Exception):
    """Kafka holds records that it does not give; start again later."""


class Topics:
    """Reads on from where it stopped, at first from the beginning; of the group it only asks how far that is."""

    def __init__(
        self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, group: str, begins: Mapping[TopicPartition, int]
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._group = group
        self._next = dict(begins)

    async def ends(self) -> Ends:
        """Where each partition ends now."""
        ends: Ends = await self._consumer.end_offsets(_PLACES)
        return ends

    async def up_to(self, topic: Topic, ends: Ends) -> AsyncIterator[Sequence[Record]]:
        """The records of a topic that were not read yet and lie before `ends`, each partition's in order.

        Raises Silent.
        """
        empty = 0
        while places := [at for at, end in ends.items() if at.topic == topic.name and self._next[at] < end]:
            self._turn_to(places)
            found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
            before = dict(self._next)
            for at in places:
                # Compaction leaves gaps: where the reader stands counts, not the last record's own number.
                self._next[at] = min(ends[at], await self._consumer.position(at))
            records = [record for at, several in found.items() for record in several if record.offset < ends[at]]
            if records:
                yield records
            empty = 0 if before != self._next else empty + 1
            if empty > _EMPTY_POLLS:
                raise Silent(f"{topic.name} gives nothing more, {len(places)} partitions are not at their end")

    async def behind(self, ends: Ends) -> int:
        """How many records before `ends` the group has not committed."""
        begins = await self._consumer.beginning_offsets(list(ends))
        committed = await self._admin.list_consumer_group_offsets(self._group)
        stands = {at: max(begins[at], committed[at].offset if at in committed else 0) for at in ends}
        return sum(max(0, end - stands[at]) for at, end in ends.items())

    def _turn_to(self, places: Sequence[TopicPartition]) -> None:
        if self._consumer.assignment() == set(places):
            return
        self._consumer.assign(places)
        for at in places:
            self._consumer.seek(at, self._next[at])


@asynccontextmanager
async def reading(settings: KafkaSettings, client_id: str, group: str) -> AsyncIterator[Topics]:
    """The topics, to be read from their beginning, and how far `group` is."""
    arguments = client_arguments(settings, client_id)
    consumer = AIOKafkaConsumer(
        **arguments, enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=_BATCH
    )
    admin = AIOKafkaAdminClient(**arguments)
    try:
        await consumer.start()
        await admin.start()
        yield Topics(consumer, admin, group, await consumer.beginning_offsets(_PLACES))
    finally:
        await admin.close()
        await consumer.stop()
