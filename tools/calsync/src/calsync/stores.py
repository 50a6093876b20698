"""The services' documents in MongoDB, looked at from outside, and this command's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection

from runtime import mongo
from runtime.settings import MongoSettings

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Collection = AsyncIOMotorCollection[Document]

APP_NAME: Final = "calsync"
ADMIN: Final = "calsync_admin"
"""Our own database; MongoDB keeps its own affairs in `admin`."""
LEFT_OUT: Final = {"home": False, "sealed_home": False}
"""What of a connection's document at the workers is never even read here: where its account lives."""
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a connection is due that the workers do not look at."""
PENDING: Final = "pending"
"""The workers' index of objects that wait to be published. MongoDB has to be told of a partial index."""
UNCHECKED: Final = "unchecked"
"""Availability's index of users whose appointments are still to be held against their time."""
QUARANTINED: Final = "quarantined"
"""The workers' index of objects that cannot be read."""


class Stores:
    """Every collection by what it holds. A command that changes nothing only reads them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.connections: Collection = client["connector"]["connections"]
        self.principals: Collection = client["connector"]["principals"]
        self.sealed: Collection = client["vault"]["credentials"]
        self.synced: Collection = client["sync"]["connections"]
        self.objects: Collection = client["sync"]["objects"]
        self.jobs: Collection = client["sync"]["appointments"]
        self.budgets: Collection = client["sync"]["budgets"]
        self.timeline: Collection = client["availability"]["timeline"]
        self.guards: Collection = client["availability"]["guards"]
        self.audit: Collection = client[ADMIN]["audit"]
        self.replayed: Collection = client[ADMIN]["replayed"]

    async def now(self) -> datetime:
        """MongoDB's own clock, by which leases and due times go."""
        hello = await self.client.admin.command("hello")
        moment: datetime = hello["localTime"]
        return moment.replace(tzinfo=UTC)  # answers to commands come without


@asynccontextmanager
async def stores(settings: MongoSettings) -> AsyncIterator[Stores]:
    """Open for as long as a command runs."""
    client = mongo.connect(settings, APP_NAME)
    try:
        yield Stores(client)
    finally:
        client.close()
