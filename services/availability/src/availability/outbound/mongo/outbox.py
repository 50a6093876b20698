"""What waits beside appointments, and what comes back about them."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import encode
from motor.motor_asyncio import AsyncIOMotorClient
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ASCENDING, ReadPreference, UpdateOne, WriteConcern
from pymongo.read_concern import ReadConcern

from availability.application.check_conflicts import AHEAD, Held
from availability.application.publish import FAULTS, Unpublishable, Waiting
from availability.domain.appointments import Announcement, Appointment, News
from availability.domain.busy import EntryKind, Known
from availability.domain.exports import Change, Outcome
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.outbound.mongo.appointments import (
    UNTOLD,
    Outline,
    appointment_from,
    appointment_outline,
    change_document,
    held_from,
    outcome_document,
    written_document,
)
from availability.outbound.mongo.bookings import read_known
from availability.outbound.mongo.documents import KEPT, Document
from availability.outbound.mongo.guards import Claim, Guards
from availability.outbound.mongo.indexes import ENTRIES
from availability.outbound.mongo.pending import pending_from
from availability.outbound.mongo.timeline import COLLECTION, DATABASE

_WAITS: Final = {"pending.revision": {"$gt": 0}}
_PENDING: Final = {"account_id": True, "user_id": True, "pending": True}
_SIZE: Final = {"account_id": True, "user_id": True, "bytes": {"$bsonSize": {"pending": "$pending"}}}
_PAGE: Final = 200
"""Appointments at a time."""
_PAGE_BYTES: Final = 2_000_000
"""Of what waits of them; of one alone it is not much more."""
_HELD: Final = {"entry": True, "conflicts": True}
_PORTION: Final = 1_000_000
"""Bytes of a claim: a document of 16 MB cannot be written, and whoever finds a claim reads all of it at once."""
_WAITING: Final[Sequence[Document]] = (
    {"$match": _WAITS},
    {"$limit": 10_000},
    {"$project": {"count": {"$size": "$pending"}, "oldest": {"$min": "$pending.at"}}},
    {"$group": {"_id": None, "count": {"$sum": "$count"}, "oldest": {"$min": "$oldest"}}},
    {"$project": {"count": True, "age": {"$divide": [{"$subtract": ["$$NOW", "$oldest"]}, 1000]}}},
)


class MongoOutbox:
    """`pending` and `published` of appointments."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str = DATABASE) -> None:
        # What no majority has may still be undone: nobody is told of it.
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority")
        )

    async def waiting(self) -> AsyncGenerator[Sequence[Waiting], None]:
        """The appointments of which something waits, each once, in pages whose announcements may be read at once."""
        page: list[Waiting] = []
        size = 0
        async for document in self._timeline.find(_WAITS, _SIZE, batch_size=_PAGE):
            if page and (len(page) == _PAGE or size + document["bytes"] > _PAGE_BYTES):
                yield page
                page, size = [], 0
            page.append(Waiting(User(document["account_id"], document["user_id"]), document["_id"]))
            size += document["bytes"]
        if page:
            yield page

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        """What waits of these by now, each one's own in the order of their revisions. Raises Unpublishable."""
        found = self._timeline.find({"_id": {"$in": [one.appointment_id for one in page]}, **_WAITS}, _PENDING)
        documents = await found.to_list(len(page))
        try:
            return [pending_from(document) for document in documents]
        except FAULTS as error:
            raise Unpublishable from error

    async def measure(self) -> Sequence[float]:
        """How many announcements wait, up to 10,000 appointments', and since how many seconds the oldest does."""
        found = await self._timeline.aggregate(list(_WAITING), hint="pending").to_list(1)
        return (found[0]["count"], max(0.0, found[0]["age"])) if found else (0, 0.0)

    async def mark(self, told: Announcement, now: datetime) -> None:
        """Note that `told` and everything older is out. An appointment whose end was told is forgotten in 30 days."""
        change: Document = {
            "$set": {"published": told.revision},
            "$pull": {"pending": {"revision": {"$lte": told.revision}}},
        }
        if told.news is News.CANCELLED:
            change["$set"]["expires_at"] = now + KEPT
        older = {"_id": told.appointment_id, "published": {"$lt": told.revision}}
        await self._timeline.update_one(older, change)


class MongoConflicts:
    """`unchecked` guards, and the `conflicts` of appointments ahead."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str = DATABASE) -> None:
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("majority")
        )
        self._snapshots = self._timeline.with_options(read_concern=ReadConcern("snapshot"))
        self._guards = Guards(client, database)
        self._client = client
        self._session: Session | None = None

    async def unchecked(self) -> AsyncIterator[User]:
        """The users whose time changed since their appointments were held against it."""
        async for user in self._guards.unchecked(await self._in_order()):
            yield user

    async def measure(self) -> Sequence[float]:
        """How many users' appointments wait to be held against their time, and since how many seconds the first's."""
        return await self._guards.measure()

    async def settled(self, user: User) -> int:
        """How often the user's time has changed; all that was decided by then is carried out."""
        return await self._guards.settled(user, await self._in_order())

    async def ahead(self, user: User, after: int) -> Sequence[Held]:
        """The user's appointments that end after that second, by their end; the first AHEAD of them."""
        theirs = {**user._asdict(), "kind": EntryKind.APPOINTMENT.value, "entry": {"$exists": True}}
        # In the order of the index: to sort them by anything else the server would hold all of them, words and all.
        several = self._timeline.find(theirs | {"until": {"$gt": after}}, _HELD, hint=ENTRIES, session=self._session)
        found = await several.sort("until", ASCENDING).limit(AHEAD).to_list(AHEAD)
        return [held_from(document) for document in found]

    async def known(self, user: User, window: Window) -> Known:
        """All that is known of a user around `window`, as of one moment."""
        return await read_known(self._snapshots, user, window, self._session)

    async def whole(self, ids: Collection[str]) -> Sequence[Appointment]:
        """The appointments of these ids."""
        found = self._timeline.find({"_id": {"$in": [*ids]}}, UNTOLD, session=self._session)
        return [appointment_from(document) async for document in found]

    async def settle(self, user: User, number: int, found: Sequence[tuple[Appointment, Announcement]]) -> int | None:
        """Keep what was found as of `number`, in portions; how often the user's time has changed with that."""
        for outlines in _portions([appointment_outline(*each) for each in found]):
            if not await self._guards.decide(user, number, Claim(outlines)):
                return None
            number += 1
        return number

    async def check(self, user: User, number: int) -> bool:
        """Note that all is told as of `number`; False when something has changed since."""
        return await self._guards.check(user, number)

    async def _in_order(self) -> Session:
        # Nothing is older than the count, across an election, too: what was not seen would be checked all the same.
        self._session = self._session or await self._client.start_session()
        return self._session


def _portions(outlines: Sequence[Outline]) -> Iterator[list[Outline]]:
    """As many at a time as fit a small claim; what is larger by itself comes alone."""
    portion: list[Outline] = []
    size = 0
    for outline in outlines:
        length = len(encode(outline.document()))
        if portion and size + length > _PORTION:
            yield portion
            portion, size = [], 0
        portion.append(outline)
        size += length
    if portion:
        yield portion


class MongoExports:
    """`outcome`, `written` and `change` of appointments."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], database: str = DATABASE) -> None:
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )

    async def put(self, news: Sequence[tuple[str, Outcome | Change]]) -> None:
        """Keep each, in this order, unless one of its kind of a later revision is known."""
        if news:
            await self._timeline.bulk_write([write for piece in news for write in _put(*piece)], ordered=True)


def _put(appointment_id: str, said: Outcome | Change) -> Iterator[UpdateOne]:
    if isinstance(said, Outcome):
        part, documents = "outcome", {"outcome": outcome_document(said)}
        if said.written:
            documents["written"] = written_document(said.written)
    else:
        part, documents = "change", {"change": change_document(said)}
    newer = {f"{part}.revision": {"$gt": said.revision}}
    whose = {"_id": appointment_id, "kind": EntryKind.APPOINTMENT.value, "$nor": [newer]}
    yield UpdateOne(whose, {"$set": documents})
    if isinstance(said, Outcome) and said.as_agreed:
        yield UpdateOne(whose | {"change.revision": {"$lte": said.revision}}, {"$unset": {"change": ""}})
