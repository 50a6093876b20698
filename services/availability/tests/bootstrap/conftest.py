"""Topics of their own: a proof reads all there is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.application.record_exports import RecordExports
from availability.application.record_syncs import RecordSyncs
from availability.inbound.kafka import Records, reach_of, subscriptions
from availability.outbound.mongo import MongoExports, MongoTimeline
from availability.outbound.mongo.documents import Document
from local_stack.stack import LocalStack
from runtime.clock import system_clock
from runtime.kafka import Broker, Publisher, broker, subscribe
from runtime.settings import KafkaSettings, load


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    with LocalStack(tmp_path_factory.mktemp("kafka"), parts=("kafka",), temporary=True) as stack:
        yield load(KafkaSettings, stack.env)


@pytest.fixture
async def publisher(kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka, "bootstrap-tests")
    await publisher.start()
    yield publisher
    await publisher.stop()


@dataclass(slots=True)
class Live:
    """Availability's consumers with a database and a group of their own."""

    database: str
    group: str
    consumers: Broker


@pytest.fixture
async def live(kafka: KafkaSettings, publisher: Publisher, mongo: AsyncIOMotorClient[Document]) -> AsyncIterator[Live]:
    name = f"availability_{uuid4().hex}"
    timeline = MongoTimeline(mongo, system_clock, name)
    await timeline.prepare()
    consumers = broker(kafka, "bootstrap-tests", publisher)
    stories = Records(
        RecordConnections(timeline),
        RecordEvents(timeline),
        RecordSyncs(timeline, system_clock, reach_of(consumers, name)),
        RecordExports(MongoExports(mongo, name)),
    )
    subscribe(consumers, *(replace(one, group=name) for one in subscriptions(stories)))
    await consumers.start()
    yield Live(name, name, consumers)
    await consumers.stop()
    await mongo.drop_database(name)
