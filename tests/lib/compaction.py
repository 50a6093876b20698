"""Kafka's log cleaner, made to come by now instead of within a day."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import CONNECTIONS, ICLOUD_EVENTS
from leftovers import Find, records
from local_stack.topics import make_topics

COMPACTED: Final = (CONNECTIONS.name, ICLOUD_EVENTS.name)
_NODE: Final = "1"
_EAGER_TOPIC: Final = {
    "cleanup.policy": "compact",
    "segment.ms": "1",
    "segment.jitter.ms": "0",
    "min.cleanable.dirty.ratio": "0.0001",
    "file.delete.delay.ms": "1",
}
_EAGER_CLEANER: Final = {"log.cleaner.backoff.ms": "100"}


@contextmanager
def eager_compaction(bootstrap_servers: str) -> Iterator[None]:
    """The compacted topics are cleaned at every turn; afterwards they have the settings of the contracts again."""
    _alter(bootstrap_servers, dict.fromkeys(COMPACTED, _EAGER_TOPIC), _EAGER_CLEANER)
    try:
        yield
    finally:
        make_topics(bootstrap_servers)
        _alter(bootstrap_servers, {}, {})


def repeat_newest(bootstrap_servers: str, keys: Sequence[bytes]) -> None:
    """Say the newest record of each of these keys once more, which changes nothing for those who read.

    Kafka never cleans the segment that it writes to, and begins another one only when something is written.
    """
    asyncio.run(_repeat(bootstrap_servers, newest(bootstrap_servers, keys).values()))


def newest(bootstrap_servers: str, keys: Sequence[bytes]) -> dict[tuple[str, bytes], Any]:
    """The last record of each of these keys, by topic and key."""
    wanted = set(keys)
    found = asyncio.run(records(bootstrap_servers, *COMPACTED))
    return {(record.topic, record.key): record for record in found if record.key in wanted}


def in_segments(root: Path, wanted: Mapping[str, bytes]) -> list[Find]:
    """Finds in every segment file below Kafka's folder, also in those that are being replaced; by topic."""
    return [
        Find(path.parent.name.rpartition("-")[0], shape)
        for path in sorted(root.rglob("*.log*"))
        for shape, needle in wanted.items()
        if needle in _content(path)
    ]


def _content(path: Path) -> bytes:
    """Nothing where it has just gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


async def _repeat(bootstrap_servers: str, again: Any) -> None:  # noqa: ANN401 - aiokafka has no types
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers) as producer:
        for record in again:
            await producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )


def _alter(bootstrap_servers: str, topics: Mapping[str, Mapping[str, str]], broker: Mapping[str, str]) -> None:
    asyncio.run(_altered(bootstrap_servers, topics, broker))


async def _altered(bootstrap_servers: str, topics: Mapping[str, Mapping[str, str]], broker: Mapping[str, str]) -> None:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(config)) for name, config in topics.items()]
    wanted.append(ConfigResource(ConfigResourceType.BROKER, _NODE, configs=dict(broker)))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        for answer in await admin.alter_configs(wanted):
            assert all(code == 0 for code, *_ in answer.resources), answer
    finally:
        await admin.close()
