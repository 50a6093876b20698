"""The timeline in MongoDB: one collection, so that one indexed query sees all of a user as of one moment."""

import asyncio
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.results import BulkWriteResult

from availability.application.timeline import AskLater
from availability.domain.busy import Known, KnownOccurrences
from availability.domain.changes import ConnectionNews, Disconnected, EventChange, LastEvent
from availability.domain.doubts import Doubt
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.outbound.mongo.details import (
    ALL_DAY_FREE,
    detailed,
    detailed_projection,
    doubt_document,
    doubt_from,
    doubt_ids,
    latest,
)
from availability.outbound.mongo.documents import (
    Document,
    end_write,
    event_write,
    news_write,
    replace_older,
)
from availability.outbound.mongo.guards import Guards
from availability.outbound.mongo.indexes import INDEXES, QUESTIONS, TIMELINE
from availability.outbound.mongo.questions import known, question
from availability.outbound.mongo.readers import Readers
from availability.outbound.mongo.reading import ONE_BATCH, read
from runtime import metrics
from runtime.clock import Clock
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

DATABASE: Final = "availability"
COLLECTION: Final = TIMELINE
_SNAPSHOT_MISSED: Final = (239, 246)
"""SnapshotTooOld, SnapshotUnavailable: what the server says for moments after a change of the collection's indexes."""
_AGAIN_SECONDS: Final = 2.0
_READERS: Final = Readers("questions", threads=16, common=10, share=3)
"""They wait for MongoDB most of the time. A question is read in milliseconds, about a crowded user in up to hundreds:
six threads are always left to those who have less than three."""
_EXPLAINERS: Final = Readers("explanations", threads=6, common=2, share=2)
"""Apart from the others: an explanation reads each event by itself."""

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
            _dropped(
                "event", await self._timeline.bulk_write([event_write(one, now) for one in changes], ordered=False)
            )

    async def put_news(self, news: Collection[ConnectionNews]) -> None:
        now = self._clock()
        if news:
            _dropped(
                "connection", await self._timeline.bulk_write([news_write(one, now) for one in news], ordered=False)
            )

    async def put_doubts(self, doubts: Collection[Doubt]) -> None:
        now = self._clock()
        if doubts:
            writes = [replace_older(doubt_document(doubt, now), doubt.version) for doubt in doubts]
            _dropped("doubt", await self._timeline.bulk_write(writes, ordered=False))

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

    async def whose(self, ids: Collection[str]) -> Collection[User]:
        if not ids:
            return ()
        theirs: dict[str, Any] = {"_id": {"$in": [*ids]}, "user_id": {"$exists": True}}
        found = self._timeline.find(theirs, {"_id": False, "account_id": True, "user_id": True})
        return {User(**document) async for document in found}

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

    async def unread(self, connection_ids: Collection[str]) -> Collection[str]:
        if not connection_ids:
            return ()
        read = {"$or": [{"completed": {"$exists": True}}, {"ended": {"$exists": True}}]}
        found = self._timeline.find({"_id": {"$in": [*connection_ids]}} | read, {"_id": True})
        return frozenset(connection_ids) - {document["_id"] async for document in found}

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        with _later():
            whose = User(account_id, user_id)
            return known(await read_heaps(self._snapshots, question(*whose, window), window, whose=whose))

    async def known_of(self, account_id: str, user_ids: Collection[str], window: Window) -> Mapping[str, Known]:
        theirs: dict[str, list[Document]] = {user_id: [] for user_id in user_ids}
        with _later():
            asked = question(account_id, {"$in": [*theirs]}, window)
            for heap in await read_heaps(self._snapshots, asked, window, whose=account_id):
                theirs[heap["_id"]["user_id"]].append(heap)
        return {user_id: known(documents) for user_id, documents in theirs.items()}

    async def all_day_free(self, account_id: str, user_id: str, after: int) -> Collection[KnownOccurrences]:
        theirs = {"account_id": account_id, "user_id": user_id, "kind": "event"}
        asked = {**theirs, "until": {"$gt": after}, "groups.facts": {"$all": ALL_DAY_FREE}}
        fields = {"calendar_id": True, "groups": True}
        with _later():
            whose = User(account_id, user_id)
            found = await _EXPLAINERS.read(whose, lambda: latest(self._each(asked, fields)))
        return [one for one in found if one.facts.all_day and one.facts.transparent]

    async def in_detail(self, account_id: str, user_id: str, window: Window) -> Known:
        asked, fields = question(account_id, user_id, window), detailed_projection(window)
        with _later():
            whose = User(account_id, user_id)
            found = await _EXPLAINERS.read(whose, lambda: detailed(self._each(asked, fields), window))
            doubts = await self._timeline.find({"_id": {"$in": doubt_ids(found.connections)}}).to_list(None)
        return replace(found, doubts=tuple(map(doubt_from, doubts)))

    def _each(self, asked: Document, fields: Document) -> Iterable[Document]:
        """For a thread: they come by the 16 MB, and never all at once."""
        found: Iterable[Document] = self._snapshots.delegate.find(asked, fields, batch_size=ONE_BATCH, hint=QUESTIONS)
        return found


async def read_heaps(
    timeline: AsyncIOMotorCollection[Document],
    asked: Document,
    window: Window,
    session: Session | None = None,
    *,
    whose: Hashable,
) -> list[Document]:
    """What a question about busy time finds, as of the moment that the collection's read concern says.

    With a session it finds all that was seen in it before. `whose` turn it takes where many are asked at once.
    """
    within = None if session is None else session.delegate
    # PyMongo's own cursor, in a thread: on the way through Motor's the loop is woken three times for each question.
    return await _READERS.read(whose, partial(read, timeline.delegate, asked, window, within))


def _dropped(news: str, done: BulkWriteResult) -> None:
    """Count the writes that left everything as it was."""
    metrics.STALE.labels(news).inc(done.matched_count - done.modified_count)


def _is_applied(event: LastEvent, there: Mapping[str, Document]) -> bool:
    if "ended" in there.get(event.connection_id, {}):
        return True
    found = there.get(event.event_id)
    return found is not None and (found["epoch"], found["revision"]) >= (event.epoch, event.revision)


@contextmanager
def _later() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        if passes(error):
            raise AskLater from error
        raise


def passes(error: PyMongoError) -> bool:
    """Whether the same question can be answered later: the server is away, or its indexes have just changed."""
    return is_infrastructure(error) or (isinstance(error, OperationFailure) and error.code in _SNAPSHOT_MISSED)
