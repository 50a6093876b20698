"""The worker's store, fake or real, as tests see it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import SecretStr

from runtime import mongo
from runtime.settings import MongoSettings
from sync_worker.app import Appointments, Objects
from sync_worker.application.endings import Passes
from sync_worker.application.leases import Leases
from sync_worker.application.refuse import Refusals
from sync_worker.application.track_connection import Connections
from sync_worker.outbound.mongo import (
    MongoAppointments,
    MongoConnections,
    MongoLeases,
    MongoObjects,
    MongoPasses,
    MongoRefusals,
    make_indexes,
)
from worker_jobs import FakeAppointments
from worker_kept import FakeObjects
from worker_rows import FakeConnections, FakeLeases, FakePasses, FakeRefusals, Rows

LEASE = timedelta(seconds=30)
Client = AsyncIOMotorClient[dict[str, Any]]


@dataclass(frozen=True)
class Store:
    """One store; `leases` makes the view of one more worker."""

    connections: Connections
    passes: Passes
    objects: Objects
    appointments: Appointments
    refusals: Refusals
    leases: Callable[..., Leases]


@dataclass(frozen=True)
class Database:
    client: Client
    name: str

    def store(self) -> Store:
        def leases(length: timedelta = LEASE) -> Leases:
            return MongoLeases(self.client, owner=uuid4().hex, length=length, database=self.name)

        return Store(
            MongoConnections(self.client, self.name),
            MongoPasses(self.client, self.name),
            MongoObjects(self.client, self.name),
            MongoAppointments(self.client, self.name),
            MongoRefusals(self.client, self.name),
            leases,
        )


def fake_store() -> Store:
    rows = Rows()

    def leases(length: timedelta = LEASE) -> Leases:
        return FakeLeases(rows, length=length)

    return Store(
        FakeConnections(rows),
        FakePasses(rows),
        FakeObjects(rows),
        FakeAppointments(rows),
        FakeRefusals(rows),
        leases,
    )


def database(url: str) -> AbstractAsyncContextManager[Database]:
    """A database that nobody else has; gone at the end."""
    return database_named(url, f"sync_{uuid4().hex[:12]}")


@asynccontextmanager
async def database_named(url: str, name: str) -> AsyncIterator[Database]:
    """A database of that name; gone at the end."""
    client = mongo.connect(MongoSettings(url=SecretStr(url)), "sync-worker-tests")
    mine = Database(client, name)
    try:
        await make_indexes(client, mine.name)
        yield mine
    finally:
        await client.drop_database(mine.name)
        client.close()
