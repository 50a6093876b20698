"""The store of connections, fake or real, as contract tests see it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorClient

from connector.domain.connection import Announcement
from connector.outbound.mongo import MongoConnections, MongoOutbox
from connector.outbound.vault import Vault
from connector_fakes import FakeConnections
from icloud.credentials import Sealer
from runtime import mongo
from runtime.settings import MongoSettings, load

Client = AsyncIOMotorClient[dict[str, Any]]


@dataclass(frozen=True)
class Store:
    """Connections and outbox of one store, and a look behind them."""

    connections: FakeConnections | MongoConnections
    outbox: FakeConnections | MongoOutbox
    secrets: Callable[[], Awaitable[set[str]]]
    claims: Callable[[], Awaitable[dict[str, tuple[str, set[str]]]]]

    async def waiting(self) -> list[Sequence[Announcement]]:
        """What waits to be told, each connection's own."""
        return [of_one async for page in self.outbox.waiting() for of_one in await self.outbox.read(page)]

    async def forgettable(self, now: datetime) -> list[Announcement]:
        """The ends whose records may go."""
        return [end async for page in self.outbox.forgettable(now) for end in await self.outbox.ends(page)]


@dataclass(frozen=True)
class Databases:
    """Databases of one test."""

    client: Client
    connector: str
    vault: str

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every document, by collection; collections that are empty are left out."""
        found = {}
        for database in (self.connector, self.vault):
            for name in await self.client[database].list_collection_names():
                if documents := [one async for one in self.client[database][name].find()]:
                    found[name] = documents
        return found


def fake_store() -> Store:
    """In memory."""
    fake = FakeConnections()

    async def secrets() -> set[str]:
        return set(fake.secrets)

    async def claims() -> dict[str, tuple[str, set[str]]]:
        return dict(fake.claims)

    return Store(fake, fake, secrets, claims)


@asynccontextmanager
async def databases(url: str) -> AsyncIterator[Databases]:
    """Databases that nobody else has; gone at the end."""
    client = mongo.connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": url}), "connector-tests")
    token = uuid4().hex[:12]
    mine = Databases(client, f"connector_{token}", f"vault_{token}")
    try:
        yield mine
    finally:
        await client.drop_database(mine.connector)
        await client.drop_database(mine.vault)
        client.close()


async def mongo_store(mine: Databases, public_key_file: Path) -> Store:
    """On a real MongoDB."""
    vault = Vault(mine.client, Sealer(public_key_file), database=mine.vault)
    connections = MongoConnections(mine.client, vault, database=mine.connector)
    await connections.prepare()

    async def secrets() -> set[str]:
        return {one["_id"] async for one in mine.client[mine.vault]["credentials"].find()}

    async def claims() -> dict[str, tuple[str, set[str]]]:
        found = mine.client[mine.connector]["principals"].find()
        return {one["_id"]: (one["account_id"], set(one["connections"])) async for one in found}

    return Store(connections, MongoOutbox(mine.client, database=mine.connector), secrets, claims)
