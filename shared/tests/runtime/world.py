"""A Kafka to test against, and records to put on it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from runtime.kafka import Broker, Publisher, Subscription, broker, subscribe
from runtime.kafka.consumer import Record
from runtime.kafka.publisher import RawRecord
from runtime.settings import KafkaSettings


@dataclass(frozen=True)
class Kafka:
    """Servers, and what tests do with them beside our own code."""

    bootstrap_servers: str
    publish_timeout: timedelta = timedelta(seconds=8)

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=(self.bootstrap_servers,), publish_timeout=self.publish_timeout)

    async def make_topic(self, partitions: int = 3, name: str = "", *, largest: int = 1_048_588) -> str:
        """`largest` are the bytes that the topic takes at once."""
        name = name or f"tests-{uuid.uuid4().hex}"
        bound = {"max.message.bytes": str(largest)}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(n, partitions, 1, topic_configs=bound) for n in (name, f"{name}.dead")])
        finally:
            await admin.close()
        return name

    async def read_all(self, topic: str, partitions: int = 3) -> list[Record]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in range(partitions)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records: list[Record] = []
            while len(records) < sum(ends.values()):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def consuming(self, publisher: Publisher, *subscriptions: Subscription) -> AsyncIterator[Broker]:
        consumers = broker(self.settings, "tests", publisher)
        subscribe(consumers, *subscriptions)
        await consumers.start()
        try:
            yield consumers
        finally:
            await consumers.stop()


def good(topic: str, name: str, partition: int = 0) -> RawRecord:
    """A record that our contracts can read on any topic: a tombstone."""
    headers = (("ce_type", b"com.crococlick.calendar.Tombstone.v1"), ("ce_epoch", b"1"), ("ce_revision", b"1"))
    return RawRecord(topic, name.encode(), None, headers, partition)


def poison(topic: str, name: str, partition: int = 0) -> RawRecord:
    """A record that nobody can read, down to a header that is not text."""
    return RawRecord(topic, name.encode(), b"\xff\xfe not JSON", (("ce_type", b"\xff"), ("other", b"kept")), partition)


async def eventually(condition: Callable[[], object], within: float = 30.0) -> None:
    """Return when the condition holds; TimeoutError when it does not in so many seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in code that raises no event
            await asyncio.sleep(0.02)
