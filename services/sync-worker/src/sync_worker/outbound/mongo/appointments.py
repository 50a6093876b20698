"""Appointments in MongoDB: what is wanted of each, and how far it has come."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from contracts.facts import Access
from runtime import tracing
from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.track_appointments import Wanted
from sync_worker.domain.appointments import name_of
from sync_worker.domain.exports import Job
from sync_worker.domain.ownership import Own
from sync_worker.outbound.mongo.appointment_documents import agreed_fields, job_from, progress_fields, span_from
from sync_worker.outbound.mongo.collections import (
    APPOINTMENTS,
    CONNECTIONS,
    DATABASE,
    NOW,
    Client,
    Document,
    literal,
)
from sync_worker.outbound.mongo.connections import AS_SOON_AS_ALLOWED, ONE_MORE_WAKE, URGENT
from sync_worker.outbound.mongo.passes import fenced

_ABSENT: Final = "$$REMOVE"
_OPEN_DOOR: Final = {
    "$and": [
        {"$eq": ["$access", Access.FULL.value]},
        {"$eq": [{"$type": "$setup.linked_calendar_id"}, "string"]},
    ]
}


class MongoAppointments:
    """Implements `Appointments` and `Jobs`: one document for each appointment, and what is due told to its connection.

    What a pass notes is written in one transaction with a write to its connection, filtered by fence, lease and epoch:
    a frozen worker notes nothing, and nothing comes back into what was erased.
    """

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._client = client
        self._connections = client[database][CONNECTIONS]
        self._appointments = client[database][APPOINTMENTS]

    async def want(self, wanted: Wanted, now: datetime) -> bool:
        """Keep it if it is newer, then have it seen to. Said twice, it is seen to twice: the first may have died."""
        fields = agreed_fields(wanted.agreed)
        over = literal(_moment(wanted.agreed.span.end)) if wanted.agreed else {"$ifNull": ["$expires_at", NOW]}
        update = {
            **{name: _ABSENT if value is None else literal(value) for name, value in fields.items()},
            "account_id": literal(wanted.account_id),
            "user_id": literal(wanted.user_id),
            "revision": wanted.revision,
            "expires_at": over,
            "due_at": NOW,
            "tries": 0,
        }
        older = {"_id": wanted.appointment_id, "revision": {"$lt": wanted.revision}}
        try:
            await self._appointments.update_one(older, [{"$set": update}], upsert=True)
        except DuplicateKeyError:
            same = {"_id": wanted.appointment_id, "revision": wanted.revision}
            if await self._appointments.count_documents(same, limit=1) == 0:
                return False
        await self._tell_connection(wanted, int(now.timestamp()))
        return True

    async def due(self, claim: Claim, limit: int) -> Sequence[Job]:
        """Those to be tried by the time of the claim."""
        where = _of(claim) | {"due_at": {"$type": "date", "$lte": claim.claimed_at}}
        # A missing start is the smallest: cancelled ones come first.
        found = self._appointments.find(where).sort([("start", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [job_from(document, claim) async for document in found]

    async def reopen(self, claim: Claim, path: str, now: int) -> None:
        """Make those due that are not as the setup says."""
        otherwise = [
            {"connection_id": {"$ne": claim.connection_id}},
            {"copy.path": {"$ne": path}},
            {"copy.alarm_minutes": {"$ne": claim.exports.alarm_minutes}},
        ]
        where = _of(claim) | {"end": {"$gt": now}, "$or": otherwise}
        await self._appointments.update_many(where, {"$set": {"due_at": claim.claimed_at}, "$min": {"tries": 1}})

    async def copied(self, claim: Claim, event_ids: Collection[str]) -> Sequence[Job]:
        """Those whose copies are these calendar objects."""
        where = {"copy.event_id": {"$in": list(event_ids), "$type": "string"}, "connection_id": claim.connection_id}
        return [job_from(document, claim) async for document in self._appointments.find(where)]

    async def own(self, claim: Claim) -> Own:
        """When all of them take place by now, by what they are called in their objects."""
        found = self._appointments.find(_of(claim), {"start": True, "end": True})
        return {name_of(document["_id"]): span_from(document) async for document in found}

    async def keep(self, claim: Claim, job: Job, due_at: datetime | None) -> None:
        """Note how far it has come."""
        claim.lease.check()
        as_wanted = {"$eq": ["$revision", job.revision]}
        progress = progress_fields(claim, job)
        update = {
            **{name: _ABSENT if value is None else literal(value) for name, value in progress.items()},
            "due_at": {"$cond": [as_wanted, _ABSENT if due_at is None else literal(due_at), "$due_at"]},
            "tries": {"$cond": [as_wanted, job.tries, "$tries"]},
        }
        # Always a real change, or two transactions would not be in conflict.
        touch: Document = {"$inc": {"batches": 1}}
        if due_at is not None:
            touch["$min"] = {"exports.due_at": due_at}

        async def write(session: AsyncIOMotorClientSession) -> None:
            touched = await self._connections.update_one(_held(claim), touch, session=session)
            if not touched.matched_count:
                raise LeaseLost
            await self._appointments.update_one({"_id": job.appointment_id}, [{"$set": update}], session=session)

        async with await self._client.start_session() as session:
            await session.with_transaction(write)

    async def allowed(self, claim: Claim) -> bool:
        """Whether the connection still says what the claim goes by."""
        linked = literal(claim.exports.linked_calendar_id)
        as_claimed = {"$and": [_OPEN_DOOR, {"$eq": ["$setup.linked_calendar_id", linked]}]}
        found = await self._connections.find_one(_held(claim), {"allowed": as_claimed})
        if found is None:
            raise LeaseLost
        allowed: bool = found["allowed"]
        return allowed

    async def ahead(self, claim: Claim, now: int) -> tuple[datetime | None, int | None]:
        """When the first is due, and when the next begins."""
        due = await self._appointments.find_one(
            _of(claim) | {"due_at": {"$type": "date"}}, {"due_at": True}, sort=[("due_at", ASCENDING)]
        )
        return due["due_at"] if due else None, await self._next_start(_of(claim), now)

    async def forget(self, claim: Claim) -> None:
        """Take the traces of the connection away."""
        gone = dict.fromkeys(("connection_id", "copy", "left", "change"), "")
        mine = _of(claim) | {"connection_id": claim.connection_id}
        await self._appointments.update_many(mine, [{"$unset": list(gone)}, {"$set": {"due_at": NOW, "tries": 0}}])

    async def _next_start(self, whose: Document, now: int) -> int | None:
        ahead = whose | {"end": {"$gt": now}, "start": {"$gt": now}}
        found = await self._appointments.find_one(ahead, {"start": True}, sort=[("start", ASCENDING)])
        return found["start"] if found else None

    async def _tell_connection(self, wanted: Wanted, now: int) -> None:
        whose = {"account_id": wanted.account_id, "user_id": wanted.user_id}
        begins = await self._next_start(whose, now)
        # Between 401s their spacing stands.
        at_once = {"$and": [_OPEN_DOOR, {"$ne": [{"$type": "$rejections"}, "object"]}]}
        update = {
            "activity.next_appointment_at": _ABSENT if begins is None else literal(_moment(begins)),
            "exports.due_at": {"$min": [NOW, "$exports.due_at"]},
            # Whatever the door: a pass that is under way has not seen it, and may not say that nothing is due.
            "wakes": ONE_MORE_WAKE,
            "urgent": {"$cond": [at_once, URGENT, "$urgent"]},
            "next_sync_at": {"$cond": [at_once, AS_SOON_AS_ALLOWED, "$next_sync_at"]},
            **{name: {"$cond": [_OPEN_DOOR, trace, f"${name}"]} for name, trace in tracing.noted().items()},
        }
        await self._connections.update_many(whose | {"state": State.ACTIVE.value}, [{"$set": update}])


def _of(claim: Claim) -> dict[str, Any]:
    return {"account_id": claim.account_id, "user_id": claim.user_id}


def _held(claim: Claim) -> Document:
    """The claim's connection, for as long as it is in its hands and has not come to its end."""
    return fenced(claim) | {"state": State.ACTIVE.value, "epoch": claim.epoch}


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
