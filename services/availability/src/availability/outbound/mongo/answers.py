"""Answers to idempotency keys, kept for 24 hours.

{_id: the key, wish, answer?: {taken: [[start, end]]}, {slot} or {appointment, export, as_of, state}, expires_at}

A key belongs to the first wish that comes with it, from before it is decided on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, UpdateOne, WriteConcern
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from availability.application.bookings import Answer, KeptAnswer, Key, Shown, Taken
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.exports import Export, ExportState
from availability.domain.freshness import State
from availability.outbound.mongo.appointments import appointment_fields, appointment_from, slot_fields, slot_from
from availability.outbound.mongo.documents import AT_ONCE, Document
from availability.outbound.mongo.indexes import ANSWERS
from runtime.clock import Clock

KEPT: Final = timedelta(hours=24)


class MongoAnswers:
    """The collection `answers`. What has expired is not there, whether MongoDB has swept it away yet or not."""

    def __init__(self, client: AsyncIOMotorClient[Document], clock: Clock, database: str) -> None:
        self._clock = clock
        self._answers = client[database].get_collection(
            ANSWERS, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )
        # A key may be lost with a primary before its answer is there: whoever writes the answer puts it back.
        self._quick = self._answers.with_options(write_concern=AT_ONCE)
        # Nobody is told of what no majority has: it may still be undone. Such a read waits until one has what it finds.
        self._vouched = self._answers.with_options(read_concern=ReadConcern("linearizable"))

    async def take(self, key: Key) -> KeptAnswer:
        """Let the key be this wish's, unless it is another's; what is kept for it."""
        now = self._clock()
        lapsed = {"_id": key.id, "expires_at": {"$lte": now}}
        try:
            await self._quick.replace_one(lapsed, {"wish": key.wish, "expires_at": now + KEPT}, upsert=True)
        except DuplicateKeyError:
            found = await self._vouched.find_one({"_id": key.id})
            if found is not None:
                return _kept(found)
        return KeptAnswer(key, None)

    async def to(self, key: Key) -> Answer | None:
        """The answer that this key got."""
        theirs = {"_id": key.id, "wish": key.wish}
        found = await self._answers.find_one(theirs)
        if found is not None and "answer" in found:
            found = await self._vouched.find_one(theirs)
        return None if found is None else _kept(found).answer

    async def refuse(self, key: Key, answer: Taken) -> Answer:
        """Keep this answer unless the key has one; the one that it has."""
        open_yet = {"_id": key.id, "wish": key.wish, "answer": {"$exists": False}}
        change = {"$set": {"answer": _answer(answer), "expires_at": self._clock() + KEPT}}
        try:
            await self._answers.update_one(open_yet, change, upsert=True)
        except DuplicateKeyError:
            return await self.to(key) or answer
        return answer


def answer_document(key: Key, answer: Answer, now: datetime) -> Document:
    """An answer as a decision carries it."""
    return {"_id": key.id, "wish": key.wish, "answer": _answer(answer), "expires_at": now + KEPT}


def answer_write(carried: Mapping[str, Any]) -> UpdateOne:
    """Give the key its answer, and put it back if it was lost with a primary; another wish's key stays as it is."""
    change: Document = {"$set": {"answer": carried["answer"]}}
    # What a process of the release before has decided says no end, and a majority has its key.
    lapses = carried.get("expires_at")
    if lapses is not None:
        # From the answer on, however long ago the key came first.
        change["$set"]["expires_at"] = lapses
    return UpdateOne({"_id": carried["_id"], "wish": carried["wish"]}, change, upsert=lapses is not None)


def _kept(document: Mapping[str, Any]) -> KeptAnswer:
    answer = document.get("answer")
    return KeptAnswer(Key(document["_id"], document["wish"]), None if answer is None else _answer_from(answer))


def _answer(answer: Answer) -> Document:
    if isinstance(answer, Taken):
        return {"taken": [list(span) for span in answer.spans]}
    if isinstance(answer, BlockedSlot):
        return {"slot": {"_id": answer.id, **slot_fields(answer)}}
    return {
        "appointment": {"_id": answer.appointment.id, **appointment_fields(answer.appointment)},
        "export": {"state": answer.export.state.value, "reason": answer.export.reason},
        "as_of": answer.as_of,
        "state": answer.state.value,
    }


def _answer_from(document: Mapping[str, Any]) -> Answer:
    if "taken" in document:
        return Taken(tuple((start, end) for start, end in document["taken"]))
    if "slot" in document:
        return slot_from(document["slot"])
    return Shown(
        appointment_from(document["appointment"]),
        Export(ExportState(document["export"]["state"]), document["export"]["reason"]),
        document["as_of"],
        State(document["state"]),
    )
