"""The storm's hands on Kafka: what has been applied, what comes again."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.events import Event, ICloudEventImported, ICloudEventRemoved
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS, TOPICS
from contracts.wire import decode, encode
from leftovers import records
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings
from storm_reader import AGAIN

_MOST: Final = 300
"""Records that are said again at once."""
_GROUP: Final = "availability"
_FOLLOWED: Final = (CONNECTIONS, ICLOUD_EVENTS)
_PLACES: Final = [TopicPartition(topic.name, n) for topic in _FOLLOWED for n in range(topic.partitions)]


def everything(bootstrap_servers: str) -> list[Any]:
    """Every record of connections and events, connections first."""
    return asyncio.run(_everything(bootstrap_servers))


def dead_letters(bootstrap_servers: str) -> int:
    """How many records anybody has put aside."""
    return len(asyncio.run(records(bootstrap_servers, *(topic.dead for topic in TOPICS))))


def lag(bootstrap_servers: str) -> int:
    """How many records availability has not applied yet."""
    return asyncio.run(_lag(bootstrap_servers))


def rewind(bootstrap_servers: str, random: Random) -> int:
    """Let availability, which must not run, begin again somewhere before; returns how many records come again."""
    return asyncio.run(_rewind(bootstrap_servers, random))


def say_again(bootstrap_servers: str, random: Random, connections: Collection[str]) -> int:
    """Repeat events that are not their key's last, as a publisher would that slept for long; returns how many."""
    return asyncio.run(_say_again(bootstrap_servers, random, connections))


def say(bootstrap_servers: str, event: Event) -> None:
    """As one of our services would."""
    asyncio.run(_say(bootstrap_servers, event))


async def _everything(bootstrap_servers: str) -> list[Any]:
    return [one for topic in _FOLLOWED for one in await records(bootstrap_servers, topic.name)]


async def _lag(bootstrap_servers: str) -> int:
    ends, applied = await _ends(bootstrap_servers), await _applied(bootstrap_servers)
    return sum(end - applied[place] for place, end in ends.items())


async def _rewind(bootstrap_servers: str, random: Random) -> int:
    applied = await _applied(bootstrap_servers)
    earlier = {place: random.randrange(offset + 1) for place, offset in applied.items()}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=_GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(_PLACES)
        await consumer.commit(earlier)
    finally:
        await consumer.stop()
    return sum(applied[place] - earlier[place] for place in _PLACES)


async def _applied(bootstrap_servers: str) -> dict[TopicPartition, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(_GROUP)
    finally:
        await admin.close()
    return {place: committed[place].offset if place in committed else 0 for place in _PLACES}


async def _say_again(bootstrap_servers: str, random: Random, connections: Collection[str]) -> int:
    found = await records(bootstrap_servers, ICLOUD_EVENTS.name)
    last = {record.key: record.offset for record in found}
    old = [one for one in found if last[one.key] != one.offset and _connection_of(one) in connections]
    chosen = random.sample(old, min(_MOST, len(old)))
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    try:
        for record in chosen:
            await producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=[*record.headers, (AGAIN, b"")],
            )
        await producer.flush()
    finally:
        await producer.stop()
    return len(chosen)


async def _say(bootstrap_servers: str, event: Event) -> None:
    publisher = Publisher(KafkaSettings(bootstrap_servers=(bootstrap_servers,)), "storm")
    await publisher.start()
    try:
        await publisher.publish([encode(event, source="storm", time=datetime.now(UTC))])
    finally:
        await publisher.stop()


def _connection_of(record: Any) -> str | None:  # noqa: ANN401 - aiokafka carries no types
    said = decode(record.topic, record.key, record.headers, record.value)
    return said.connection_id if isinstance(said, ICloudEventImported | ICloudEventRemoved) else None


async def _ends(bootstrap_servers: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(_PLACES)
    finally:
        await consumer.stop()
    return ends
