"""Calendar objects in MongoDB, each with its place in the outbox."""

from collections.abc import AsyncIterable, Collection, Mapping, Sequence
from typing import Final

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ASCENDING, DESCENDING, DeleteMany, ReplaceOne, UpdateOne

from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.claim import State as ConnectionState
from sync_worker.application.publish_states import last_said
from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.outbox import CROWDED_OUT, Imported, Known, Refresh, State
from sync_worker.outbound.mongo.collections import CONNECTIONS, DATABASE, NOW, OBJECTS, Client, Document
from sync_worker.outbound.mongo.documents import last_said_document
from sync_worker.outbound.mongo.indexes import COUNTS
from sync_worker.outbound.mongo.object_documents import (
    COUNTED,
    KNOWN,
    KNOWN_TO_JUDGE,
    known_from,
    origin_fields,
    quarantine_field,
    state_document,
    state_from,
)
from sync_worker.outbound.mongo.passes import fenced

_Operation = ReplaceOne[Document] | UpdateOne | DeleteMany

_MARK: Final = [{"$set": {"pending": "$$REMOVE", "gone_at": {"$cond": ["$alive", "$$REMOVE", NOW]}}}]
"""A gravestone's time begins once Kafka has the removal."""
_AT_ONCE: Final = 1_000
"""Documents in memory of a whole calendar's: MongoDB would send 16 MB at once, five times that as objects."""
_ONE_MORE: Final = {"$inc": {"batches": 1}}
"""Always a real change: MongoDB sees no conflict between transactions that leave a document as it is."""


class MongoObjects:
    """Keeps objects for imports, removals and erasure, and is their outbox.

    A batch is written in one transaction with a write to its connection, filtered by fence, lease and epoch. So a
    worker that was frozen past its lease can write nothing at all, not even an object that nobody has ever seen.
    """

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._client = client
        self._connections = client[database][CONNECTIONS]
        self._objects = client[database][OBJECTS]

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        """Those that are kept, gone ones included."""
        where = {"_id": {"$in": list(event_ids)}, "connection_id": claim.connection_id}
        found = self._objects.find(where, KNOWN_TO_JUDGE)
        return {document["_id"]: known_from(document) async for document in found}

    async def of_calendar(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """All of one calendar that are not gone."""
        return await _known(self._objects.find(_living(claim, calendar_id), KNOWN).batch_size(_AT_ONCE))

    async def living(self, claim: Claim, calendar_id: str) -> Sequence[str]:
        """Event ids of one calendar that are not gone."""
        found = self._objects.find(_living(claim, calendar_id), {"_id": True})
        return [document["_id"] async for document in found]

    async def count(self, claim: Claim, calendar_id: str) -> int:
        """How many of one calendar are not gone."""
        return await self._objects.count_documents(_living(claim, calendar_id))

    async def taken(self, claim: Claim) -> int:
        """Told by an index alone. What a release before it has kept gets its number first, once."""
        taken, unnumbered = await self._taken(claim)
        if unnumbered:
            # A number that follows from the rest of the document is a fact, whoever writes it: it needs no fence.
            where = {"connection_id": claim.connection_id, "occurrences": None}
            await self._objects.update_many(where, [{"$set": {"occurrences": {"$toInt": COUNTED}}}])
            taken, _ = await self._taken(claim)
        return taken

    async def outdated(self, claim: Claim, calendar_id: str) -> Mapping[str, str]:
        """ETags by href of one calendar's that were read on another basis, or by an older version of us."""
        bases = claim.bases
        where = _living(claim, calendar_id) | {"basis": {"$nin": [*bases]}}
        found = self._objects.find(where, {"href": True, "etag": True, "basis": True})
        return {one["href"]: one["etag"] async for one in found if seen(one["basis"], bases) is not Basis.OURS}

    async def passed(self, claim: Claim, before: int, limit: int) -> Sequence[str]:
        """Event ids of what could be read, room or not, and ended by then."""
        where = {"connection_id": claim.connection_id, "alive": True, "extent.1": {"$lte": before}}
        # What cannot be read may go on past the time that could be told of it.
        found = self._objects.find(where | {"quarantine.reason": {"$in": [None, CROWDED_OUT]}}, {"_id": True})
        # In the order of an index that begins with them: what goes on is not read.
        return [document["_id"] async for document in found.sort("extent.1", ASCENDING).limit(limit)]

    async def titled(self, claim: Claim, limit: int) -> Sequence[Imported]:
        """Those with a title."""
        where = {"connection_id": claim.connection_id, "alive": True, "content.title": {"$type": "string"}}
        states = [state_from(document) async for document in self._objects.find(where).limit(limit)]
        return [state for state in states if isinstance(state, Imported)]

    async def tied(self, claim: Claim) -> Sequence[Imported]:
        """Those of which an appointment's time decides whether they are the user's own."""
        where = {"connection_id": claim.connection_id, "tied_to": {"$exists": True}}
        states = [state_from(document) async for document in self._objects.find(where)]
        return [state for state in states if isinstance(state, Imported)]

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """Those of one calendar that cannot be read."""
        where = {
            "connection_id": claim.connection_id,
            "calendar_id": calendar_id,
            "quarantine.reason": {"$exists": True},
        }
        return await _known(self._objects.find(where, KNOWN).sort("_id", ASCENDING))

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, State]:
        """Full states."""
        found = self._objects.find({"_id": {"$in": list(event_ids)}, "connection_id": claim.connection_id})
        return {document["_id"]: state_from(document) async for document in found}

    async def pending(self, claim: Claim, limit: int) -> Sequence[State]:
        """States that may not be on Kafka."""
        waiting = self._objects.find({"connection_id": claim.connection_id, "pending": True})
        return [state_from(document) async for document in waiting.sort("alive", DESCENDING).limit(limit)]

    async def remaining(self, claim: Claim, limit: int) -> Sequence[Known]:
        """Anything that is still kept."""
        return await _known(self._objects.find({"connection_id": claim.connection_id}, KNOWN).limit(limit))

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        """All or nothing."""
        states = [write for write in writes if not isinstance(write, Refresh)]
        said = {"last_said": last_said_document(last_said(states))} if states else {}
        operations = [_operation(claim, write) for write in writes]
        await self._in_transaction(claim, ConnectionState.ACTIVE, operations, {"unpublished": True} | said)

    async def erase(self, claim: Claim, event_ids: Sequence[str]) -> None:
        """Delete."""
        where = {"_id": {"$in": list(event_ids)}, "connection_id": claim.connection_id}
        await self._in_transaction(claim, ConnectionState.ERASING, [DeleteMany(where)], {"unpublished": True})

    async def mark(self, claim: Claim, published: Mapping[str, int]) -> Collection[str]:
        """Kafka has these revisions."""
        del claim
        if not published:
            return []
        marks = [UpdateOne({"_id": one, "revision": revision}, _MARK) for one, revision in published.items()]
        done = await self._objects.bulk_write(marks, ordered=False)
        if done.matched_count == len(published):
            return []
        found = self._objects.find({"_id": {"$in": list(published)}}, {"revision": True})
        kept = {document["_id"]: document["revision"] async for document in found}
        return [one for one, revision in published.items() if kept.get(one) != revision]

    async def _taken(self, claim: Claim) -> tuple[int, int]:
        """Occurrences of what has more than one, and how many objects have no number."""
        each = {
            "_id": None,
            "taken": {"$sum": "$occurrences"},
            "unnumbered": {"$sum": {"$cond": [{"$gt": ["$occurrences", None]}, 0, 1]}},
        }
        where = {"connection_id": claim.connection_id, "occurrences": {"$nin": [0, 1]}}
        found = await self._objects.aggregate([{"$match": where}, {"$group": each}], hint=COUNTS).to_list(1)
        return (found[0]["taken"], found[0]["unnumbered"]) if found else (0, 0)

    async def _in_transaction(
        self, claim: Claim, state: ConnectionState, operations: Sequence[_Operation], noted: Document
    ) -> None:
        claim.lease.check()
        touch = _ONE_MORE | {"$set": noted}
        mine = fenced(claim) | {"state": state.value, "epoch": claim.epoch}

        async def write(session: AsyncIOMotorClientSession) -> None:
            touched = await self._connections.update_one(mine, touch, session=session)
            if not touched.matched_count:
                raise LeaseLost
            await self._objects.bulk_write(list(operations), ordered=False, session=session)

        async with await self._client.start_session() as session:
            await session.with_transaction(write)


def _living(claim: Claim, calendar_id: str) -> Document:
    return {"connection_id": claim.connection_id, "calendar_id": calendar_id, "alive": True}


def _operation(claim: Claim, write: State | Refresh) -> _Operation:
    if isinstance(write, Refresh):
        told = quarantine_field(write.quarantine) | origin_fields(write.origin)
        noted = {"etag": write.etag, "basis": write.basis, "fence": claim.fence} | told
        cleared = {field: "" for field in ("quarantine", "origin", "tied_to") if field not in told}
        return UpdateOne({"_id": write.event_id}, {"$set": noted, **({"$unset": cleared} if cleared else {})})
    return ReplaceOne({"_id": write.event_id}, state_document(claim, write), upsert=True)


async def _known(found: AsyncIterable[Document]) -> list[Known]:
    return [known_from(document) async for document in found]
