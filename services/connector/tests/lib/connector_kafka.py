"""Kafka as others see it."""

import asyncio
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import CONNECTIONS
from contracts.wire import AnyEvent, Tombstone, UnknownEvent, decode
from runtime.settings import KafkaSettings, load


def kafka_settings(bootstrap_servers: str, **others: str) -> KafkaSettings:
    """Settings of a client."""
    return load(KafkaSettings, {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers} | others)


@dataclass(frozen=True)
class Heard:
    """A record of `calendar.connections.v1`."""

    event: AnyEvent | Tombstone | UnknownEvent
    headers: dict[str, bytes]
    raw: bytes


async def heard_of(connection_ids: set[str], least: int, bootstrap_servers: str) -> list[Heard]:
    """All records of these connections, in order, once there are at least so many; TimeoutError if never."""
    found: list[Heard] = []
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            partitions = [TopicPartition(CONNECTIONS.name, n) for n in range(CONNECTIONS.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            while len(found) < least or not await _at_the_end(consumer, partitions):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        if (record.key or b"").decode() in connection_ids:
                            event = decode(record.topic, record.key, record.headers, record.value)
                            found.append(Heard(event, dict(record.headers), record.value or b""))
    finally:
        await consumer.stop()
    return found


async def _at_the_end(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> bool:
    ends = await consumer.end_offsets(partitions)
    return all([await consumer.position(one) >= ends[one] for one in partitions])
