"""Everything that a run left behind, searched for a secret in every shape that it might have taken."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from bson import BSON
from pymongo import MongoClient

from contracts.topics import PARTITIONS, TOPICS


@dataclass(frozen=True, slots=True)
class Find:
    """Where a shape of a secret was found; never the secret."""

    place: str
    shape: str


def shapes(secret: str) -> Mapping[str, bytes]:
    """A secret, or a part of one, as it could stand somewhere: raw, without hyphens, encoded, inside of more."""
    raw = secret.encode()
    inside = {f"base64 at {offset}": _base64_inside(raw, offset) for offset in range(3)}
    return inside | {
        "raw": raw,
        "without hyphens": secret.replace("-", "").encode(),
        "hyphens escaped": secret.replace("-", "%2D").encode(),
        "hex": raw.hex().encode(),
        "utf-16": secret.encode("utf-16-le"),
    }


def _base64_inside(raw: bytes, offset: int) -> bytes:
    """What stays the same of base64 wherever `raw` stands in a longer text, `offset` bytes past a multiple of three."""
    encoded = b64encode(bytes(offset) + raw)
    return encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]


def in_files(root: Path, wanted: Mapping[str, bytes], *, skip: tuple[str, ...] = ()) -> Iterator[Find]:
    """Finds in every file below `root` whose path below it starts with none of `skip`."""
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        place = str(path.relative_to(root))
        if not place.startswith(skip):
            # A server may take a file away meanwhile; what is gone was not left behind.
            with contextlib.suppress(FileNotFoundError):
                yield from _in_bytes(place, path.read_bytes(), wanted)


def in_mongodb(url: str, wanted: Mapping[str, bytes]) -> Iterator[Find]:
    """Finds in every document of every database. MongoDB compresses its files: the server is asked."""
    with MongoClient[dict[str, Any]](url) as client:
        for database in client.list_database_names():
            for collection in client[database].list_collection_names():
                for document in client[database][collection].find():
                    yield from _in_bytes(f"mongodb {database}.{collection}", BSON.encode(document), wanted)


def in_kafka(bootstrap_servers: str, wanted: Mapping[str, bytes]) -> list[Find]:
    """Finds in key, value or headers of every record of every topic of ours."""
    return asyncio.run(_in_kafka(bootstrap_servers, wanted))


async def _in_kafka(bootstrap_servers: str, wanted: Mapping[str, bytes]) -> list[Find]:
    return [
        find
        for record in await records(bootstrap_servers)
        for part in (record.key, record.value, *(value for _, value in record.headers))
        for find in _in_bytes(f"kafka {record.topic}", part or b"", wanted)
    ]


async def records(bootstrap_servers: str, *only: str) -> list[Any]:
    """Every record of these topics (all of ours, when none is named), in order within its partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        topics = only or tuple(name for topic in TOPICS for name in (topic.name, topic.dead))
        places = [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(batch)
        return found
    finally:
        # aiokafka cancels a task of its own here and lets the cancellation out.
        with contextlib.suppress(asyncio.CancelledError):
            await consumer.stop()


def _in_bytes(place: str, content: bytes, wanted: Mapping[str, bytes]) -> Iterator[Find]:
    for shape, needle in wanted.items():
        if needle in content:
            yield Find(place, shape)
