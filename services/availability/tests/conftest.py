"""The stores under test: one in memory, one in a real MongoDB."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.examples import NOW
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import WEEK, served
from services.availability.tests.tokens import Platform

from availability.application.timeline import Timeline
from availability.outbound.documents import Document
from availability.outbound.mongo import MongoTimeline
from runtime.mongo import connect
from runtime.settings import MongoSettings, load


@pytest.fixture(scope="session")
async def mongo(mongodb_url: str) -> AsyncIterator[AsyncIOMotorClient[Document]]:
    client = connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb_url}), "availability-tests")
    yield client
    client.close()


@pytest.fixture
async def database(mongo: AsyncIOMotorClient[Document]) -> AsyncIterator[str]:
    name = f"availability_{uuid4().hex}"
    yield name
    await mongo.drop_database(name)


@pytest.fixture
async def mongo_timeline(mongo: AsyncIOMotorClient[Document], database: str) -> MongoTimeline:
    timeline = MongoTimeline(mongo, lambda: NOW, database)
    await timeline.prepare()
    return timeline


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.servers)])
def timeline(request: pytest.FixtureRequest) -> Timeline:
    if request.param == "memory":
        return MemoryTimeline()
    store: MongoTimeline = request.getfixturevalue("mongo_timeline")
    return store


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
