"""Connections and their claims on Apple accounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from connector.application.disconnect import Disconnection, End
from connector.application.reconnect import Renew
from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection, TooMuchUntold
from connector.domain.connection import Connection, Owner
from connector.domain.sync import Report
from connector.domain.waiting import has_room
from connector.outbound.mongo.documents import (
    DISCONNECTED,
    FORGOTTEN_AFTER,
    LIVING,
    Document,
    connection_document,
    connection_from,
    gravestone_document,
    pending_document,
)
from connector.outbound.mongo.pending import changed_to
from connector.outbound.mongo.readings import guarded
from connector.outbound.mongo.transaction import in_transaction
from connector.outbound.vault import Vault
from icloud.credentials import SealedCredential
from runtime import metrics

DATABASE: Final = "connector"
_REPLACED: Final = ("revision", "terms", "news", "changed_at", "calendars_told", "chosen_from")


class MongoConnections:
    """`connections`, `principals` and, through the vault, `vault.credentials`: one transaction where several change."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], vault: Vault, *, database: str = DATABASE) -> None:
        self._client = client
        self._vault = vault
        self._connections = client[database]["connections"]
        self._principals = client[database]["principals"]

    async def prepare(self) -> None:
        """Create what the promises of this store rest on; repeatable."""
        await self._connections.create_index(
            [("account_id", ASCENDING), ("user_id", ASCENDING)],
            name="one_living_connection_per_user",
            unique=True,
            partialFilterExpression={"state": LIVING},
        )
        await self._connections.create_index([("pending.revision", ASCENDING)], name="pending", sparse=True)
        await self._connections.create_index([("forget_at", ASCENDING)], name="forgettable", sparse=True)

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""
        return await self._one({"account_id": owner.account_id, "user_id": owner.user_id})

    async def named(self, connection_id: str, account_id: str) -> Connection | None:
        """The living connection of that id in that account."""
        return await self._one({"_id": connection_id, "account_id": account_id})

    async def with_epoch(self, connection_id: str, epoch: int) -> Connection | None:
        """The living connection of that id, if this is its epoch."""
        return await self._one({"_id": connection_id, "epoch": epoch})

    async def owner_of(self, connection_id: str, account_id: str) -> Owner | None:
        """Whose connection it is, or was, in that account."""
        found = await self._connections.find_one({"_id": connection_id, "account_id": account_id}, {"user_id": 1})
        return None if found is None else Owner(account_id, found["user_id"])

    async def add(self, connection: Connection, secret: SealedCredential) -> None:
        """Keep all of it or nothing. Raises AlreadyConnected, AppleAccountInUse."""

        async def all_of_it(session: AsyncIOMotorClientSession) -> None:
            await self._claim(connection, session)
            await self._insert(connection, session)
            await self._vault.put(connection, secret, session=session)

        await in_transaction(self._client, all_of_it)

    async def bury(self, owner: Owner, connection_id: str, end: End) -> Disconnection:
        """Erase all of it or nothing. Raises NoSuchConnection."""
        identity = {"_id": connection_id, "account_id": owner.account_id, "user_id": owner.user_id}

        async def all_of_it(session: AsyncIOMotorClientSession) -> Disconnection:
            document = await self._connections.find_one(identity, session=session)
            if document is None:
                raise NoSuchConnection
            if document["state"] == DISCONNECTED:
                return Disconnection.ALREADY_GONE
            connection = connection_from(document)
            await self._vault.erase(connection.id, session=session)
            await self._release(connection, session)
            await self._lay(connection, end, document["published"], session=session)
            return Disconnection.ENDED

        return await in_transaction(self._client, all_of_it)

    async def record(self, reports: Sequence[Report]) -> None:
        """Guarded writes, in order, in one request."""
        done = await self._connections.bulk_write([guarded(report) for report in reports], ordered=True)
        metrics.STALE.labels("sync").inc(len(reports) - done.matched_count)

    async def replace(self, old: Connection, new: Connection) -> bool:
        """Put `new` in the place of `old` unless that changed; False then. What workers report meanwhile stays."""
        guard = {"_id": old.id, "state": LIVING, "revision": old.revision, "calendars_told": old.calendars_told}
        fields = connection_document(new)
        kept = {name: fields[name] for name in _REPLACED}
        news = new.announcement() if new.revision > old.revision else None
        done = await self._connections.update_one(guard, changed_to(kept, news))
        return done.matched_count == 1

    async def renew(self, connection: Connection, renew: Renew, secret: SealedCredential) -> Connection:
        """Both or none. Raises NoSuchConnection, TooMuchUntold."""
        identity = {"_id": connection.id, "state": LIVING}

        async def all_of_it(session: AsyncIOMotorClientSession) -> Connection:
            document = await self._connections.find_one(identity, session=session)
            if document is None:
                raise NoSuchConnection
            if not has_room(one["news"] for one in document["pending"]):
                raise TooMuchUntold
            renewed = renew(connection_from(document))
            change = changed_to(connection_document(renewed), renewed.announcement())
            await self._connections.update_one(identity, change, session=session)
            await self._vault.replace(renewed, secret, session=session)
            return renewed

        return await in_transaction(self._client, all_of_it)

    async def allow(self, connection_id: str, now: datetime, pause: timedelta) -> timedelta | None:
        """None, noted in `asked_at`; else how long to wait. Processes' clocks may differ by as much as `pause`."""
        recently = {"$gt": now - pause, "$lte": now + pause}
        done = await self._connections.update_one(
            {"_id": connection_id, "asked_at": {"$not": recently}}, {"$set": {"asked_at": now}}
        )
        if done.matched_count:
            return None
        found = await self._connections.find_one({"_id": connection_id}, {"asked_at": 1})
        return pause if found is None or "asked_at" not in found else found["asked_at"] + pause - now

    async def _one(self, identity: Document) -> Connection | None:
        document = await self._connections.find_one(identity | {"state": LIVING})
        return None if document is None else connection_from(document)

    async def _claim(self, connection: Connection, session: AsyncIOMotorClientSession) -> None:
        # Where another account holds it the filter misses, and the upsert runs into the one document of that _id.
        claim = {"_id": connection.apple.fingerprint, "account_id": connection.owner.account_id}
        try:
            await self._principals.update_one(
                claim, {"$addToSet": {"connections": connection.id}}, upsert=True, session=session
            )
        except DuplicateKeyError:
            raise AppleAccountInUse from None

    async def _release(self, connection: Connection, session: AsyncIOMotorClientSession) -> None:
        claim = {"_id": connection.apple.fingerprint}
        await self._principals.update_one(claim, {"$pull": {"connections": connection.id}}, session=session)
        await self._principals.delete_one(claim | {"connections": []}, session=session)

    async def _insert(self, connection: Connection, session: AsyncIOMotorClientSession) -> None:
        outbox = {"published": 0, "pending": [pending_document(connection.announcement())]}
        try:
            await self._connections.insert_one(connection_document(connection) | outbox, session=session)
        except DuplicateKeyError:
            raise AlreadyConnected from None

    async def _lay(
        self, connection: Connection, end: End, published: int, *, session: AsyncIOMotorClientSession
    ) -> None:
        """Put the gravestone in the connection's place. What waited to be told is dropped: the end says it all."""
        grave = end(connection)
        outbox = {
            "published": published,
            "pending": [pending_document(grave.announcement())],
            "forget_at": grave.ended_at + FORGOTTEN_AFTER,
        }
        await self._connections.replace_one(
            {"_id": connection.id}, gravestone_document(grave) | outbox, session=session
        )
