"""The announcements that wait within the documents of their connections."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from connector.domain.connection import Announcement
from connector.outbound.mongo.connections import DATABASE
from connector.outbound.mongo.documents import newest_from, pending_from

_WAITING: Final[Sequence[dict[str, Any]]] = (
    {"$match": {"pending.revision": {"$gt": 0}}},
    {"$limit": 10_000},
    {"$project": {"count": {"$size": "$pending"}, "oldest": {"$min": "$pending.at"}}},
    {"$group": {"_id": None, "count": {"$sum": "$count"}, "oldest": {"$min": "$oldest"}}},
    {"$project": {"count": True, "age": {"$divide": [{"$subtract": ["$$NOW", "$oldest"]}, 1000]}}},
)


class MongoOutbox:
    """`pending`, `published` and `forget_at` of `connections`."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], *, database: str = DATABASE) -> None:
        self._client = client
        # What no majority has may still be undone: nobody is told of it.
        self._connections = client[database].get_collection(
            "connections", read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority")
        )

    async def waiting(self, limit: int) -> Sequence[Sequence[Announcement]]:
        """At most `limit` connections' announcements, each connection's own in the order of their revisions."""
        fields = {"account_id": 1, "user_id": 1, "pending": 1}
        found = self._connections.find({"pending.revision": {"$gt": 0}}, fields).limit(limit)
        return [pending_from(document) async for document in found]

    async def mark(self, told: Announcement) -> Announcement | None:
        """Note that `told` is out; the newest announcement when a newer one is noted already."""
        of = {"_id": told.connection_id}
        older = of | {"published": {"$lt": told.revision}}
        change = {"$set": {"published": told.revision}, "$pull": {"pending": {"revision": {"$lte": told.revision}}}}
        # In one session nothing is older than what the mark met, across an election, too.
        async with await self._client.start_session() as session:
            done = await self._connections.update_one(older, change, session=session)
            if done.matched_count:
                return None
            document = await self._connections.find_one(of, session=session)
        if document is None or document["published"] <= told.revision:
            return None
        return newest_from(document)

    async def forgettable(self, now: datetime, limit: int) -> Sequence[Announcement]:
        """Ends whose records may go. An end that still waits to be told is none of them."""
        found = self._connections.find({"forget_at": {"$lte": now}, "pending": []}).limit(limit)
        return [newest_from(document) async for document in found]

    async def measure(self) -> Sequence[float]:
        """How many announcements wait, up to 10,000 connections', and since how many seconds the oldest does."""
        found = await self._connections.aggregate(list(_WAITING), hint="pending").to_list(1)
        return (found[0]["count"], max(0.0, found[0]["age"])) if found else (0, 0.0)

    async def mark_forgotten(self, end: Announcement) -> None:
        """Note that an end's records may go."""
        await self._connections.update_one({"_id": end.connection_id}, {"$unset": {"forget_at": ""}})
