"""The end of a connection comes over another topic than its events, perhaps at this very moment."""

import asyncio
from collections.abc import Collection

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.examples import connected, disconnected, imported
from services.availability.tests.fakes import MemoryTimeline

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.domain.changes import Disconnected, EventChange
from availability.outbound.mongo import COLLECTION, MongoTimeline
from availability.outbound.mongo.documents import Document


class EndsBeforeTheWrite(MemoryTimeline):
    """The whole disconnect happens between reading the events from Kafka and writing them."""

    async def put_events(self, changes: Collection[EventChange]) -> None:
        await RecordConnections(self)([disconnected(revision=2)])
        await super().put_events(changes)


class WritesBeforeTheErasure(MemoryTimeline):
    """Events are written and looked after while the disconnect is between its mark and its erasure."""

    async def end(self, connection: Disconnected) -> None:
        await super().end(connection)
        await RecordEvents(self)([imported("event-1")])


class WritesBeforeTheMark(MemoryTimeline):
    """Events are written and looked after just before the disconnect leaves its mark."""

    async def end(self, connection: Disconnected) -> None:
        await RecordEvents(self)([imported("event-1")])
        await super().end(connection)


@pytest.mark.parametrize("race", [EndsBeforeTheWrite, WritesBeforeTheErasure, WritesBeforeTheMark])
async def test_an_event_written_during_the_disconnect_does_not_survive(race: type[MemoryTimeline]) -> None:
    timeline = race()
    await RecordConnections(timeline)([connected()])

    await RecordEvents(timeline)([imported("event-2")])
    await RecordConnections(timeline)([disconnected(revision=2)])

    assert timeline.events == {}


@pytest.mark.servers
async def test_nothing_survives_in_mongodb_when_both_run_at_once(
    mongo_timeline: MongoTimeline, mongo: AsyncIOMotorClient[Document], database: str
) -> None:
    documents = mongo[database][COLLECTION]
    record, connections = RecordEvents(mongo_timeline), RecordConnections(mongo_timeline)

    for lap in range(25):
        ids = f"connection-{lap}"
        events = [imported(f"{lap}-{number}", connection=ids) for number in range(20)]
        await connections([connected(connection=ids)])
        await asyncio.gather(
            *(record([event]) for event in events), connections([disconnected(connection=ids, revision=2)])
        )

    assert await documents.count_documents({"kind": "event"}) == 0
    assert await documents.count_documents({"ended": {"$exists": True}}) == 25
