"""A backup, what happens after it, and the services at work once it was restored; somebody's reader of the topics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from pymongo import MongoClient
from tools.calsync.tests.world import CALENDAR, LONG_AGO, Client, Kept, World

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.outbound.mongo import MongoTimeline
from connector.application.publish import PublishPending
from connector.outbound.kafka import KafkaAnnouncer
from connector.outbound.mongo import MongoOutbox
from contracts.events import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarReconnected,
    CalendarSetupChanged,
    ICloudEventImported,
    ICloudEventRemoved,
    RemovalReason,
)
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS
from contracts.wire import Tombstone, decode
from leftovers import records
from runtime.clock import system_clock
from runtime.kafka import Publisher
from runtime.settings import KafkaSettings
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Completed
from sync_worker.application.erase_connection import EraseConnection
from sync_worker.application.publish_states import PublishStates
from sync_worker.application.remove_objects import RemoveObjects
from sync_worker.application.track_connection import TrackConnection
from sync_worker.domain.outbox import Imported, judged
from sync_worker.domain.tracked import Tracked
from sync_worker.outbound.kafka import KafkaEvents
from sync_worker.outbound.mongo import MongoAppointments, MongoConnections, MongoLeases, MongoObjects, MongoPasses
from sync_worker.outbound.mongo.object_documents import state_from

_BACKED_UP: Final = ("connector", "vault", "sync")
Standing = CalendarConnected | CalendarReconnected | CalendarSetupChanged
EventWord = ICloudEventImported | ICloudEventRemoved | Tombstone


@dataclass(frozen=True)
class Backup:
    """Everything but availability, as it was."""

    url: str
    documents: Mapping[tuple[str, str], Sequence[dict[str, Any]]]

    def restore(self) -> None:
        with MongoClient[dict[str, Any]](self.url) as client:
            for (database, collection), documents in self.documents.items():
                client[database][collection].delete_many({})
                if documents:
                    client[database][collection].insert_many(documents)


def backup(world: World) -> Backup:
    with MongoClient[dict[str, Any]](world.url) as client:
        return Backup(
            world.url,
            {
                (database, collection): [*client[database][collection].find()]
                for database in _BACKED_UP
                for collection in client[database].list_collection_names()
            },
        )


@dataclass
class Reader:
    """Another team's: it drops what is not newer than what it holds, and knows nothing of a restore."""

    kafka: str
    of: frozenset[str]
    """Keys."""
    holds: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    def reads(self) -> dict[str, list[str]]:
        """What it believed of what came since it last read, by key."""
        believed: dict[str, list[str]] = {}
        counted: dict[str, int] = {}
        for record in asyncio.run(records(self.kafka, CONNECTIONS.name, ICLOUD_EVENTS.name)):
            key = record.key.decode()
            if key not in self.of:
                continue
            counted[key] = counted.get(key, 0) + 1
            if counted[key] <= self.read.get(key, 0):
                continue
            said = decode(record.topic, record.key, record.headers, record.value)
            assert isinstance(said, Standing | CalendarDisconnected | EventWord)
            finality = 2 if isinstance(said, Tombstone) else 1 if isinstance(said, ICloudEventRemoved) else 0
            if (said.epoch, said.revision, finality) > self.holds.get(key, (0, 0, 0)):
                self.holds[key] = (said.epoch, said.revision, finality)
                believed.setdefault(key, []).append(type(said).__name__)
        self.read = counted
        return believed


def applied(world: World, *words: Standing | CalendarDisconnected | EventWord) -> None:
    """Availability, which was not restored, hears it."""

    async def work(client: Client) -> None:
        timeline = MongoTimeline(client, system_clock)
        for one in words:
            if isinstance(one, EventWord):
                await RecordEvents(timeline)([one])
            else:
                await RecordConnections(timeline)([one])

    world.does(work)


def started(world: World, connection_id: str) -> Standing | CalendarDisconnected:
    """The connector tells what waits; worker and availability hear the last of it."""

    async def work(client: Client) -> None:
        async def tell(publisher: Publisher) -> None:
            await PublishPending(MongoOutbox(client), KafkaAnnouncer(publisher), system_clock)()

        await _with_publisher(world, tell)

    world.does(work)
    told = [one for one in asyncio.run(records(world.kafka, CONNECTIONS.name)) if one.key == connection_id.encode()]
    said = decode(CONNECTIONS.name, told[-1].key, told[-1].headers, told[-1].value)
    assert isinstance(said, Standing | CalendarDisconnected)
    world.does(lambda client: TrackConnection(MongoConnections(client))(said))
    applied(world, said)
    return said


def looked(world: World, kept: Kept, in_icloud: Sequence[Imported]) -> Claim:
    """A worker's pass: all of iCloud is compared, what is not there any more is removed."""

    async def work(client: Client) -> Claim:
        claim = await _claimed(client, kept.id)
        objects, passes = MongoObjects(client), MongoPasses(client)

        async def all_of_it(publisher: Publisher) -> None:
            publish = PublishStates(objects, KafkaEvents(publisher, system_clock))
            if claim.unpublished:
                await publish.leftover(claim)
            known = await objects.known(claim, [one.event_id for one in in_icloud])
            read = [judged(known.get(one.event_id), replace(one, epoch=claim.epoch)) for one in in_icloud]
            states = [one for one in read if isinstance(one, Imported)]
            if states:
                await objects.write(claim, states)
                await publish(claim, states)
            there = {one.event_id for one in in_icloud}
            gone = [one for one in await objects.living(claim, CALENDAR) if one not in there]
            as_of = int(claim.claimed_at.timestamp())
            await RemoveObjects(objects, publish)(claim, gone, as_of=as_of, reason=RemovalReason.DELETED)

        await _with_publisher(world, all_of_it)
        for one in claim.conflict_calendars:
            tracked = Tracked(f"/p/{one}/", claim.basis, token="t", covered=1, reconciled=claim.claimed_at)
            await passes.remember(claim, one, tracked)
        await passes.end(claim, Completed(LONG_AGO, timedelta(hours=1), None))
        return claim

    return world.does(work)


def erased(world: World, connection_id: str) -> int:
    """A worker erases a connection that is over; how many objects there were."""

    async def work(client: Client) -> int:
        claim = await _claimed(client, connection_id)
        found: list[int] = []

        async def all_of_it(publisher: Publisher) -> None:
            events = KafkaEvents(publisher, system_clock)
            erase = EraseConnection(MongoObjects(client), MongoAppointments(client), events, MongoPasses(client))
            found.append(await erase(claim))

        await _with_publisher(world, all_of_it)
        return found[0]

    return world.does(work)


async def _claimed(client: Client, connection_id: str) -> Claim:
    leases = MongoLeases(client, owner="a-worker", length=timedelta(seconds=60))
    claims = [*await leases.claim_urgent(50), *await leases.claim(50)]
    await leases.release([one for one in claims if one.connection_id != connection_id])
    return next(one for one in claims if one.connection_id == connection_id)


async def _with_publisher(world: World, work: Callable[[Publisher], Awaitable[None]]) -> None:
    publisher = Publisher(KafkaSettings(bootstrap_servers=(world.kafka,)), "admin-tests")
    await publisher.start()
    try:
        await work(publisher)
    finally:
        await publisher.stop()


def states_of(world: World, kept: Kept) -> list[Imported]:
    """What the worker keeps of its events."""
    states = [state_from(world.find("sync", "objects", {"_id": one})) for one in kept.events]
    return [one for one in states if isinstance(one, Imported)]
