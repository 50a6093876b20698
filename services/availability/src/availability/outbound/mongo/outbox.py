"""What waits beside appointments, and what comes back about them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ASCENDING, ReadPreference, UpdateOne, WriteConcern
from pymongo.read_concern import ReadConcern

from availability.application.check_conflicts import Unchecked
from availability.domain.appointments import Announcement, Appointment, News
from availability.domain.busy import EntryKind, Known
from availability.domain.exports import Change, Outcome
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.outbound.mongo.appointments import (
    appointment_from,
    appointment_outline,
    change_document,
    outcome_document,
    pending_from,
    written_document,
)
from availability.outbound.mongo.bookings import read_known
from availability.outbound.mongo.documents import KEPT, Document
from availability.outbound.mongo.guards import Claim, Guards
from availability.outbound.mongo.indexes import ENTRIES
from availability.outbound.mongo.timeline import COLLECTION, DATABASE

_PENDING: Final = {"account_id": True, "user_id": True, "pending": True}
_WAITING: Final[Sequence[Document]] = (
    {"$match": {"pending.revision": {"$gt": 0}}},
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

    async def waiting(self, limit: int) -> Sequence[Sequence[Announcement]]:
        """At most `limit` appointments' announcements, each one's own in the order of their revisions."""
        found = self._timeline.find({"pending.revision": {"$gt": 0}}, _PENDING).limit(limit)
        return [pending_from(document) async for document in found]

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

    async def unchecked(self, limit: int) -> Sequence[Unchecked]:
        """At most `limit` users whose time changed."""
        # Nothing is older than the count, across an election, too: what was not seen would be checked all the same.
        self._session = self._session or await self._client.start_session()
        return [Unchecked(user, number) for user, number in await self._guards.unchecked(limit, self._session)]

    async def ahead(self, user: User, after: int) -> Sequence[Appointment]:
        """The user's appointments that end after that second, by their start."""
        theirs = {**user._asdict(), "kind": EntryKind.APPOINTMENT.value, "entry": {"$exists": True}}
        later = theirs | {"until": {"$gt": after}}
        found = self._timeline.find(later, hint=ENTRIES, session=self._session).sort("since", ASCENDING)
        return [appointment_from(document) async for document in found]

    async def known(self, user: User, window: Window) -> Known:
        """All that is known of a user around `window`, as of one moment."""
        return await read_known(self._snapshots, user, window, self._session)

    async def settle(self, one: Unchecked, found: Collection[tuple[Appointment, Announcement]]) -> bool:
        """Keep what was found, and that the user is checked. Nothing, and False, when something changed since."""
        if not found:
            return await self._guards.check(one.user, one.number)
        claim = Claim([appointment_outline(*each) for each in found])
        return await self._guards.decide(one.user, one.number, claim, checked=True)


class MongoExports:
    """`outcome`, `written` and `change` of appointments."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], database: str = DATABASE) -> None:
        self._timeline = client[database].get_collection(
            COLLECTION, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )

    async def put(self, news: Sequence[tuple[str, Outcome | Change]]) -> None:
        """Keep each, in this order, unless one of its kind of a later revision is known."""
        if news:
            await self._timeline.bulk_write([_put(*piece) for piece in news], ordered=True)


def _put(appointment_id: str, said: Outcome | Change) -> UpdateOne:
    if isinstance(said, Outcome):
        part, documents = "outcome", {"outcome": outcome_document(said)}
        if said.written:
            documents["written"] = written_document(said.written)
    else:
        part, documents = "change", {"change": change_document(said)}
    newer = {f"{part}.revision": {"$gt": said.revision}}
    return UpdateOne({"_id": appointment_id, "kind": EntryKind.APPOINTMENT.value, "$nor": [newer]}, {"$set": documents})
