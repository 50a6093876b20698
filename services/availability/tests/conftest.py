"""The stores under test: one in memory, one in a real MongoDB."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.booking_stage import MovedClock, Stage
from services.availability.tests.examples import NOW
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import WEEK, memory_stage, served
from services.availability.tests.tokens import Platform

from availability.application.timeline import Timeline
from availability.outbound.mongo import MongoBookings, MongoConflicts, MongoExports, MongoOutbox, MongoTimeline
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.indexes import INDEXES
from runtime.mongo import connect
from runtime.settings import MongoSettings, load


@pytest.fixture(scope="session")
async def mongo(mongodb_url: str) -> AsyncIterator[AsyncIOMotorClient[Document]]:
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb_url}), "availability-tests")
    yield client
    client.close()


@pytest.fixture(scope="session")
async def prepared_database(mongo: AsyncIOMotorClient[Document]) -> AsyncIterator[str]:
    """Collections and indexes, made once: that takes longer than most tests."""
    name = f"availability_{uuid4().hex}"
    await MongoTimeline(mongo, lambda: NOW, name).prepare()
    # The examples' days are long gone: MongoDB would sweep away what a test has just kept.
    for collection in ("timeline", "answers"):
        index = {"name": "expiry", "expireAfterSeconds": 2**31 - 1}
        await mongo[name].command("collMod", collection, index=index)
    yield name
    await mongo.drop_database(name)


@pytest.fixture
async def database(mongo: AsyncIOMotorClient[Document], prepared_database: str) -> AsyncIterator[str]:
    yield prepared_database
    for collection in INDEXES:
        await mongo[prepared_database][collection].delete_many({})


@pytest.fixture
def mongo_timeline(mongo: AsyncIOMotorClient[Document], database: str) -> MongoTimeline:
    return MongoTimeline(mongo, lambda: NOW, database)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.servers)])
def timeline(request: pytest.FixtureRequest) -> Timeline:
    if request.param == "memory":
        return MemoryTimeline()
    store: MongoTimeline = request.getfixturevalue("mongo_timeline")
    return store


@pytest.fixture
def stage(timeline: Timeline, request: pytest.FixtureRequest) -> Stage:
    """The stories of bookings, over each kind of store."""
    if isinstance(timeline, MemoryTimeline):
        return memory_stage(timeline)
    clock = MovedClock()
    mongo: AsyncIOMotorClient[Document] = request.getfixturevalue("mongo")
    database: str = request.getfixturevalue("database")
    return Stage(
        timeline,
        MongoBookings(mongo, clock, database),
        MongoOutbox(mongo, database),
        MongoConflicts(mongo, database),
        MongoExports(mongo, database),
        clock,
    )


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return Platform(tmp_path_factory.mktemp("platform"))


@pytest.fixture
def memory() -> MemoryTimeline:
    return MemoryTimeline()


@pytest.fixture
async def client(memory: MemoryTimeline, platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(served(memory, platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://availability", params=WEEK) as client:
        yield client
