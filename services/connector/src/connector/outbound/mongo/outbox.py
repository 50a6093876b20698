"""The announcements that wait within the documents of their connections."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCursor
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from connector.application.publish import FAULTS, Unpublishable, Waiting
from connector.domain.connection import Announcement
from connector.outbound.mongo.connections import DATABASE
from connector.outbound.mongo.documents import Document, newest_from, pending_from
from connector.outbound.mongo.pending import SINCE, waiting_again

_WAITS: Final = {"pending.revision": {"$gt": 0}}
_PENDING: Final = {"account_id": True, "user_id": True, "pending": True}
_SIZE: Final = {"account_id": True, "bytes": {"$bsonSize": {"pending": "$pending"}}}
_PAGE: Final = 200
"""Connections at a time."""
_PAGE_BYTES: Final = 2_000_000
"""Of what waits of them; of one alone it may be more."""
_WAITING: Final[Sequence[Document]] = (
    {"$match": _WAITS},
    {"$limit": 10_000},
    {"$project": {"count": {"$size": "$pending"}, "oldest": {"$min": SINCE}}},
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

    def waiting(self) -> AsyncGenerator[Sequence[Waiting], None]:
        """The connections of which something waits, each once, in pages whose announcements may be read at once."""
        return _pages(self._connections.find(_WAITS, _SIZE, batch_size=_PAGE))

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        """What waits of these by now, each one's own in the order of their revisions. Raises Unpublishable."""
        documents = await self._connections.find(_among(page) | _WAITS, _PENDING).to_list(len(page))
        try:
            return [pending_from(document) for document in documents]
        except FAULTS as error:
            raise Unpublishable from error

    async def mark(self, told: Announcement) -> Sequence[Announcement]:
        """Note that `told` is out; where somebody has already, what is newer: all that waits, or the newest.

        Raises Unpublishable.
        """
        of = {"_id": told.connection_id}
        older = of | {"published": {"$lt": told.revision}}
        change = {"$set": {"published": told.revision}, "$pull": {"pending": {"revision": {"$lte": told.revision}}}}
        # In one session nothing is older than what the mark met, across an election, too.
        async with await self._client.start_session() as session:
            done = await self._connections.update_one(older, change, session=session)
            if done.matched_count:
                return ()
            document = await self._connections.find_one(of, session=session)
        if document is None or document["revision"] <= told.revision:
            return ()
        try:
            return pending_from(document) or (newest_from(document),)
        except FAULTS as error:
            raise Unpublishable from error

    async def wait_again(self, one: Waiting) -> None:
        """Let the newest of a connection wait once more, unless it waits already."""
        told = {"_id": one.connection_id, "$expr": {"$gte": ["$published", "$revision"]}}
        await self._connections.update_one(told, waiting_again())

    def forgettable(self, now: datetime) -> AsyncGenerator[Sequence[Waiting], None]:
        """The connections whose records may go. One whose end still waits to be told is none of them."""
        return _pages(self._connections.find({"forget_at": {"$lte": now}, "pending": []}, _SIZE, batch_size=_PAGE))

    async def ends(self, page: Sequence[Waiting]) -> Sequence[Announcement]:
        """The ends of these whose records have not gone by now. Raises Unpublishable."""
        left = _among(page) | {"forget_at": {"$exists": True}, "pending": []}
        return _newest(await self._connections.find(left).to_list(len(page)))

    async def measure(self) -> Sequence[float]:
        """How many announcements wait, up to 10,000 connections', and since how many seconds the oldest does."""
        found = await self._connections.aggregate(list(_WAITING), hint="pending").to_list(1)
        return (found[0]["count"], max(0.0, found[0]["age"])) if found else (0, 0.0)

    async def mark_forgotten(self, end: Announcement) -> None:
        """Note that an end's records may go."""
        await self._connections.update_one({"_id": end.connection_id}, {"$unset": {"forget_at": ""}})


async def _pages(found: AsyncIOMotorCursor[Document]) -> AsyncGenerator[Sequence[Waiting], None]:
    page: list[Waiting] = []
    size = 0
    async for document in found:
        if page and (len(page) == _PAGE or size + document["bytes"] > _PAGE_BYTES):
            yield page
            page, size = [], 0
        page.append(Waiting(document["account_id"], document["_id"]))
        size += document["bytes"]
    if page:
        yield page


def _among(page: Sequence[Waiting]) -> Document:
    return {"_id": {"$in": [one.connection_id for one in page]}}


def _newest(documents: Sequence[Document]) -> Sequence[Announcement]:
    """Of each. Raises Unpublishable."""
    try:
        return [newest_from(document) for document in documents]
    except FAULTS as error:
        raise Unpublishable from error
