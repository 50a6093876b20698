"""The timeline in MongoDB: one collection, so that one indexed query sees all of a user as of one moment."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from availability.application.timeline import AskLater
from availability.domain.busy import Known
from availability.domain.changes import ConnectionNews, Disconnected, EventChange, LastEvent
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.outbound.mongo.documents import (
    Document,
    end_write,
    event_write,
    known,
    news_write,
    projection,
    question,
)
from availability.outbound.mongo.guards import Guards
from availability.outbound.mongo.indexes import INDEXES, QUESTIONS, TIMELINE
from runtime.clock import Clock
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

DATABASE: Final = "availability"
COLLECTION: Final = TIMELINE
ONE_BATCH: Final = 1_000_000
"""More documents than a user's quarter of a year holds: the answer comes in one piece (up to 16 MB of it)."""


_SNAPSHOT_MISSED: Final = (239, 246)
"""SnapshotTooOld, SnapshotUnavailable: what the server says for moments after a change of the collection's indexes."""
_AGAIN_SECONDS: Final = 2.0

_log = get_logger("timeline")


class MongoTimeline:
    """The timeline of all users.

    Writes are acknowledged by a majority. Reads go to the primary; a question reads a majority-committed snapshot,
    so that an event that moves meanwhile is seen once, before or after.
    """

    def __init__(self, client: AsyncIOMotorClient[Document], clock: Clock, database: str = DATABASE) -> None:
        self._clock = clock
        self._prepared = False
        self._database = client[database]
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )
        self._guards = Guards(client, database)
        self._snapshots = self._timeline.with_options(read_concern=ReadConcern("snapshot"))

    async def prepare(self) -> None:
        """Make all indexes, those of bookings, too, and keep trying while MongoDB is away; repeatable."""
        while not self._prepared:
            try:
                for collection, indexes in INDEXES.items():
                    await self._database[collection].create_indexes(list(indexes))
            except PyMongoError as error:
                if not is_infrastructure(error):
                    raise
                _log.warning("mongodb_unreachable", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._prepared = True

    def unprepared(self) -> str | None:
        """A readiness check: None once the indexes are there."""
        return None if self._prepared else "not there yet"

    async def put_events(self, changes: Collection[EventChange]) -> None:
        now = self._clock()
        if changes:
            await self._timeline.bulk_write([event_write(change, now) for change in changes], ordered=False)

    async def put_news(self, news: Collection[ConnectionNews]) -> None:
        now = self._clock()
        if news:
            await self._timeline.bulk_write([news_write(piece, now) for piece in news], ordered=False)

    async def end(self, connection: Disconnected) -> None:
        await self._timeline.bulk_write([end_write(connection)])

    async def ended(self, connection_ids: Collection[str]) -> frozenset[str]:
        if not connection_ids:
            return frozenset()
        of_these: dict[str, Any] = {"_id": {"$in": [*connection_ids]}, "ended": {"$exists": True}}
        found = await self._timeline.find(of_these, {"_id": True}).to_list(None)
        return frozenset(document["_id"] for document in found)

    async def erase_events(self, connection_ids: Collection[str]) -> None:
        await self._timeline.delete_many({"connection_id": {"$in": [*connection_ids]}})

    async def recheck(self, users: Collection[User]) -> None:
        if users:
            await self._guards.count(users)

    async def missing(self, events: Collection[LastEvent]) -> Collection[LastEvent]:
        if not events:
            return ()
        ids = {_id for event in events for _id in (event.event_id, event.connection_id)}
        fields = {"epoch": True, "revision": True, "ended": True}
        there = {found["_id"]: found async for found in self._timeline.find({"_id": {"$in": [*ids]}}, fields)}
        return [event for event in events if not _is_applied(event, there)]

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        found = self._snapshots.find(
            question(account_id, user_id, window), projection(window), batch_size=ONE_BATCH, hint=QUESTIONS
        )
        try:
            return known(await found.to_list(None))
        except PyMongoError as error:
            if passes(error):
                raise AskLater from error
            raise


def _is_applied(event: LastEvent, there: Mapping[str, Document]) -> bool:
    if "ended" in there.get(event.connection_id, {}):
        return True
    found = there.get(event.event_id)
    return found is not None and (found["epoch"], found["revision"]) >= (event.epoch, event.revision)


def passes(error: PyMongoError) -> bool:
    """Whether the same question can be answered later: the server is away, or its indexes have just changed."""
    return is_infrastructure(error) or (isinstance(error, OperationFailure) and error.code in _SNAPSHOT_MISSED)
