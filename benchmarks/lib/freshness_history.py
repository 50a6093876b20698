"""When things happened, epoch seconds, as the servers remember it: asking afterwards costs nobody anything meanwhile.

Everything runs on one machine, by one clock. A consumer of the topic is the only one who listens while it happens; it
keeps records unread.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from benchmarks.lib.freshness_people import number_of
from benchmarks.lib.worker_world import PATIENCE_SECONDS, World
from bson import Timestamp

from availability.outbound.mongo import COLLECTION
from contracts.topics import ICLOUD_EVENTS

MULTIGET = "calendar-multiget"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event on Kafka: when a consumer had it, when the worker stamped it, and what it says."""

    at: float
    stamped: float
    event_id: str
    version: tuple[int, int]
    number: int


@dataclass(slots=True)
class Reader:
    """A consumer that does nothing but read."""

    records: list[tuple[float, int, bytes]] = field(default_factory=list)

    async def listen(self, bootstrap_servers: str, ready: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(ICLOUD_EVENTS.name, n) for n in range(ICLOUD_EVENTS.partitions)])
            await consumer.seek_to_end()
            ready.set()
            async for record in consumer:
                if record.value:
                    self.records.append((time.time(), record.timestamp, record.value))
        finally:
            await consumer.stop()

    def heard(self) -> list[Heard]:
        found = []
        for at, stamped, value in self.records:
            said = json.loads(value)
            starts = [start for group in said.get("occurrences", ()) for start, _ in group["spans"]]
            if starts:
                version = (said["epoch"], said["revision"])
                found.append(Heard(at, stamped / 1000, said["event_id"], version, number_of(min(starts))))
        return found

    async def until(self, wanted: Mapping[str, int]) -> None:
        """Each of these events was told with that number, or a later one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                told = {one.event_id: one.number for one in self.heard()}
                if all(told.get(event, -1) >= number for event, number in wanted.items()):
                    return
                await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def reading(world: World) -> AsyncIterator[Reader]:
    reader, ready = Reader(), asyncio.Event()
    task = asyncio.create_task(reader.listen(world.servers.bootstrap_servers, ready))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ready.wait()
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])


@dataclass(frozen=True, slots=True)
class Wait:
    """An event that was kept, until it was known to be on Kafka."""

    event_id: str
    since: float
    until: float


@dataclass(slots=True)
class History:
    """What MongoDB was told."""

    visible: defaultdict[str, list[tuple[float, tuple[int, int]]]] = field(default_factory=lambda: defaultdict(list))
    """By event id, when it became part of availability's timeline in which version."""
    waits: list[Wait] = field(default_factory=list)
    _pending: dict[str, float] = field(default_factory=dict)

    def note(self, news: Mapping[str, Any]) -> None:
        at, one, whole = news["wallTime"].timestamp(), news["documentKey"]["_id"], news.get("fullDocument")
        changed = whole or news.get("updateDescription", {}).get("updatedFields", {})
        if news["ns"]["db"] == "availability":
            if "revision" in changed:
                # The epoch is one for all: nobody reconnects here.
                self.visible[one].append((at, (changed.get("epoch", 1), changed["revision"])))
        elif changed.get("pending"):
            self._pending.setdefault(one, at)
        elif whole or "pending" in news.get("updateDescription", {}).get("removedFields", ()):
            self.waits.append(Wait(one, self._pending.pop(one, at), at))

    def end(self) -> None:
        """Whatever waits still has waited until now."""
        self.waits += [Wait(one, since, time.time()) for one, since in self._pending.items()]


async def moment(world: World) -> Timestamp:
    """MongoDB's now, from which its history can be told."""
    said: Mapping[str, Timestamp] = await world.client["admin"].command("ping")
    return said["operationTime"]


async def history(world: World, since: Timestamp) -> History:
    """What was written to the worker's objects and to availability's timeline since then."""
    marks = world.client["benchmark"]["marks"]
    mark = (await marks.insert_one({})).inserted_id
    collections = [("sync", "objects"), ("availability", COLLECTION), ("benchmark", "marks")]
    chosen = {"$match": {"$or": [{"ns": {"db": db, "coll": name}} for db, name in collections]}}
    found = History()
    async with world.client.watch([chosen], start_at_operation_time=since) as changes:
        async for news in changes:
            if news["ns"]["db"] != "benchmark":
                found.note(news)
            elif news["documentKey"]["_id"] == mark:
                break
    found.end()
    return found


def fetches(world: World) -> dict[str, list[float]]:
    """When iCloud had handed out objects, by Apple account."""
    found = defaultdict[str, list[float]](list)
    for request in world.admin.requests():
        if request.account and request.kind == MULTIGET:
            found[request.account].append(request.at)
    return found
