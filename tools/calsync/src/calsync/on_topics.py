"""The compacted topics, held against MongoDB: the last record of each key must tell what is kept."""

import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from calsync.findings import Document, Finding, Moment, Version, version
from calsync.kafka import read
from calsync.stores import Stores
from contracts.events import CalendarDisconnected, ICloudEventRemoved
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS
from contracts.wire import type_of
from runtime.kafka.publisher import key_hash

_GONE: Final = frozenset({type_of(CalendarDisconnected).encode(), type_of(ICloudEventRemoved).encode()})
_CONNECTION: Final = re.compile(rb'"connection_id":\s*"([^"]{1,128})"')
OBJECT: Final = dict.fromkeys(("epoch", "revision", "alive", "pending", "as_of", "gone_at", "connection_id"), True)


@dataclass(frozen=True, slots=True)
class Last:
    """The last record of a key."""

    version: Version
    alive: bool
    connection_id: str | None
    newest: Version
    """Of all records of the key: an older one may have come last."""
    ended: bool
    """Whether any record of the key tells its end."""


@dataclass(frozen=True, slots=True)
class Mine:
    """The connections of a partition that are asked about."""

    ids: Collection[str]
    alone: bool
    """These and no other; else whatever the topics name, too."""


@dataclass(slots=True)
class Read:
    """How much was looked at."""

    records: int = 0
    unreadable: int = 0


async def of_topics(
    found: Stores, kafka: AIOKafkaConsumer, ids: Collection[str] | None, at: Moment, counted: Read
) -> AsyncIterator[Finding]:
    """Everything that differs; `ids` None: of all connections."""
    numbers = range(CONNECTIONS.partitions) if ids is None else {partition_of(one) for one in ids}
    kept = by_partition(await _kept(found) if ids is None else ids)
    for number in sorted(numbers):
        mine = Mine(kept.get(number, set()), alone=ids is not None)
        told = await last_of_keys(kafka, TopicPartition(CONNECTIONS.name, number), counted)
        async for finding in _connections(found, told, mine, at):
            yield finding
        events = await last_of_keys(kafka, TopicPartition(ICLOUD_EVENTS.name, number), counted)
        async for finding in _events(found, events, mine, at):
            yield finding


def partition_of(connection_id: str) -> int:
    """Where all lies that is said of a connection."""
    return key_hash(connection_id) % CONNECTIONS.partitions


def by_partition(ids: Iterable[str]) -> dict[int, set[str]]:
    """Those of each partition that has any."""
    found: dict[int, set[str]] = {}
    for one in ids:
        found.setdefault(partition_of(one), set()).add(one)
    return found


async def _kept(found: Stores) -> set[str]:
    """All connections that connector or workers have: a topic that lacks one says nothing of it."""
    both = (found.connections, found.synced)
    return {one["_id"] for each in both async for one in each.find({}, {"_id": True})}


async def last_of_keys(kafka: AIOKafkaConsumer, place: TopicPartition, counted: Read) -> dict[str, Last]:
    """The last readable record of each key. What nobody can read is a dead letter, and none of this."""
    last: dict[str, Last] = {}
    async for record in read(kafka, {place: None}):
        counted.records += 1
        headers = dict(record.headers)
        epoch, revision = headers.get("ce_epoch", b""), headers.get("ce_revision", b"")
        if not (epoch.isdigit() and revision.isdigit() and record.key):
            counted.unreadable += 1
            continue
        alive = bool(record.value) and headers.get("ce_type") not in _GONE
        whose = _CONNECTION.search(record.value) if alive else None
        key, said = record.key.decode(errors="replace"), (int(epoch), int(revision))
        before = last.get(key)
        last[key] = Last(
            said,
            alive,
            whose[1].decode(errors="replace") if whose else None,
            newest=said if before is None else max(said, before.newest),
            ended=not alive or (before is not None and before.ended),
        )
    return last


async def _connections(found: Stores, told: Mapping[str, Last], mine: Mine, at: Moment) -> AsyncIterator[Finding]:
    fields = dict.fromkeys(("state", "epoch", "revision", "pending.at", "changed_at"), True)
    ids = sorted(mine.ids if mine.alone else {*mine.ids, *told})
    known = {one["_id"]: one async for one in found.connections.find({"_id": {"$in": ids}}, fields)}
    for one in ids:
        what = _of_connection(known.get(one), told.get(one), at)
        if what:
            yield Finding("topic", one, None, what)


def _of_connection(own: Document | None, last: Last | None, at: Moment) -> str | None:
    if own is None:
        return "calendar.connections.v1 has it, the connector does not" if last and last.alive else None
    if own.get("pending") or at.young(own["changed_at"]):
        return None
    if own["state"] == "disconnected":
        return "it is over, and calendar.connections.v1 has it" if last and last.alive else None
    if last is None or not last.alive:
        return "calendar.connections.v1 does not have it"
    return None if last.version == version(own) else "calendar.connections.v1 has another version of it last"


async def _events(found: Stores, told: dict[str, Last], mine: Mine, at: Moment) -> AsyncIterator[Finding]:
    said = set() if mine.alone else {one.connection_id for one in told.values() if one.connection_id is not None}
    for connection_id in sorted({*mine.ids, *said}):
        async for one in found.objects.find({"connection_id": connection_id}, OBJECT):
            what = _of_event(one, told.pop(one["_id"], None), at)
            if what:
                yield Finding("topic", connection_id, one["_id"], what)
    for finding in _left_over(told, mine):
        yield finding


def _of_event(one: Document, last: Last | None, at: Moment) -> str | None:
    if one.get("pending") or at.young(one["as_of"]) or at.young(one.get("gone_at")):
        return None
    if not one["alive"]:
        return "it is gone, and icloud.events.v1 has it last" if last and last.alive else None
    if last is None or not last.alive:
        return "icloud.events.v1 does not have it"
    return None if last.version == version(one) else "icloud.events.v1 has another version of it last"


def _left_over(told: Mapping[str, Last], mine: Mine) -> Iterator[Finding]:
    for event_id, last in told.items():
        if last.alive and (not mine.alone or last.connection_id in mine.ids):
            yield Finding("topic", last.connection_id, event_id, "icloud.events.v1 has it, the workers do not")
