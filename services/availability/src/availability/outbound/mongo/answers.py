"""Answers to idempotency keys, kept for 24 hours.

{_id: the key, wish, answer?: {taken: [[start, end]]} or {appointment, export, as_of, state}, expires_at}

A key belongs to the first wish that comes with it, from before it is decided on.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from availability.application.bookings import Answer, KeptAnswer, Key, Shown, Taken
from availability.domain.exports import Export, ExportState
from availability.domain.freshness import State
from availability.outbound.mongo.appointments import appointment_fields, appointment_from
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.indexes import ANSWERS
from runtime.clock import Clock

KEPT: Final = timedelta(hours=24)


class MongoAnswers:
    """The collection `answers`. What has expired is not there, whether MongoDB has swept it away yet or not."""

    def __init__(self, client: AsyncIOMotorClient[Document], clock: Clock, database: str) -> None:
        self._clock = clock
        # A key that is lost with a primary would leave its wish without an answer to find.
        self._answers = client[database].get_collection(
            ANSWERS, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )
        # Nobody is told of what no majority has: it may still be undone. Such a read waits until one has what it finds.
        self._vouched = self._answers.with_options(read_concern=ReadConcern("linearizable"))

    async def take(self, key: Key) -> KeptAnswer:
        """Let the key be this wish's, unless it is another's; what is kept for it."""
        now = self._clock()
        lapsed = {"_id": key.id, "expires_at": {"$lte": now}}
        try:
            await self._answers.replace_one(lapsed, {"wish": key.wish, "expires_at": now + KEPT}, upsert=True)
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
        done = await self._answers.update_one(open_yet, {"$set": {"answer": _answer(answer)}})
        return answer if done.matched_count else await self.to(key) or answer


def answer_document(key: Key, answer: Answer) -> Document:
    """An answer as a decision carries it."""
    return {"_id": key.id, "wish": key.wish, "answer": _answer(answer)}


def _kept(document: Mapping[str, Any]) -> KeptAnswer:
    answer = document.get("answer")
    return KeptAnswer(Key(document["_id"], document["wish"]), None if answer is None else _answer_from(answer))


def _answer(answer: Answer) -> Document:
    if isinstance(answer, Taken):
        return {"taken": [list(span) for span in answer.spans]}
    return {
        "appointment": {"_id": answer.appointment.id, **appointment_fields(answer.appointment)},
        "export": {"state": answer.export.state.value, "reason": answer.export.reason},
        "as_of": answer.as_of,
        "state": answer.state.value,
    }


def _answer_from(document: Mapping[str, Any]) -> Answer:
    if "taken" in document:
        return Taken(tuple((start, end) for start, end in document["taken"]))
    return Shown(
        appointment_from(document["appointment"]),
        Export(ExportState(document["export"]["state"]), document["export"]["reason"]),
        document["as_of"],
        State(document["state"]),
    )
