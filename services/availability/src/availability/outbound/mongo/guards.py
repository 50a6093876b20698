"""One small document per user with bookings, through which every decision about the user's time goes (docs/adr/0018).

{_id: {account_id, user_id}, number, unchecked?, unchecked_since?,
 claim?: {number, token, outlines, answers, carried_out?}}

`number` counts what changed the user's time. A decision reads it, reads what it needs, and then writes all that it
decided as `claim` in the one write that raises the number it has read: of two only one succeeds, and the other decides
anew. The claim is then carried out, and taken off. Whoever finds one that stays carries it out first: nobody waits
for a process that has died, and nothing is half done. `unchecked` asks that appointments be held against the time;
`unchecked_since` only tells for how long it has.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from motor.motor_asyncio import AsyncIOMotorClientSession as Session
from pymongo import ReadPreference, UpdateOne, WriteConcern
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.results import UpdateResult

from availability.domain.users import User
from availability.outbound.mongo.answers import answer_write
from availability.outbound.mongo.appointments import Outline, outline_write
from availability.outbound.mongo.documents import AT_ONCE, Document
from availability.outbound.mongo.indexes import ANSWERS, GUARDS, TIMELINE
from runtime.clock import system_clock
from runtime.documents import made_of

_DUPLICATE: Final = 11000
_USERS: Final = 100
_UNCHECKED: Final[Sequence[Document]] = (
    {"$match": {"unchecked": True}},
    {"$limit": 10_000},
    {"$group": {"_id": None, "count": {"$sum": 1}, "oldest": {"$min": "$unchecked_since"}}},
    {"$project": {"count": True, "age": {"$divide": [{"$subtract": ["$$NOW", "$oldest"]}, 1000]}}},
)
_PATIENCE: Final = (0.01, 0.02, 0.03)
"""Seconds: a process that lives carries out its claim in some ten milliseconds, and helping it would only slow it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was decided, as it is to be written."""

    outlines: list[Outline] = field(default_factory=list)
    answers: list[Document] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was decided."""
        return not self.outlines and not self.answers


class Guards:
    """The guards of all users."""

    def __init__(self, client: AsyncIOMotorClient[Document], database: str) -> None:
        # A majority has all steps once a claim is taken off. The primary may be another by then, and would forget
        # with the claim what was rolled back with the old one.
        primary = client[database].with_options(
            read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True)
        )
        self._guards = primary.get_collection(GUARDS)
        self._quick = self._guards.with_options(write_concern=AT_ONCE)
        # What is seen before a majority has it would be ahead of the snapshots that are read after it.
        self._settled = self._guards.with_options(read_concern=ReadConcern("majority"))
        self._newest = self._guards.with_options(read_concern=ReadConcern("local"))
        self._timeline = primary.get_collection(TIMELINE)
        self._answers = primary.get_collection(ANSWERS)

    async def settled(self, user: User, session: Session | None = None) -> int:
        """How often the user's time has changed; all that was decided by then is carried out."""
        guard = await self._left_alone(user, session)
        if guard is None:
            return 0
        await self._carry_out_found(guard, session)
        return int(guard["number"])

    async def _left_alone(self, user: User, session: Session | None) -> Document | None:
        """The guard, without a claim unless whoever made it has had the time to carry it out.

        In a session no claim is overlooked because no majority has it yet: it would only be decided in vain.
        """
        newest = self._settled if session is None else self._newest
        for pause in _PATIENCE:
            guard = await newest.find_one({"_id": user._asdict()}, session=session)
            if guard is None or "claim" not in guard:
                break
            await asyncio.sleep(pause)
        return await self._settled.find_one({"_id": user._asdict()}, session=session)

    async def unchecked(self, session: Session | None = None) -> AsyncIterator[User]:
        """The users whose time changed since appointments were held against it; a claim may still be there."""
        found = self._settled.find({"unchecked": True}, {"_id": True}, batch_size=_USERS, session=session)
        async for guard in found:
            yield User(**guard["_id"])

    async def measure(self) -> Sequence[float]:
        """How many users are unchecked, up to 10,000, and since how many seconds the one is that was so first."""
        found = await self._settled.aggregate(list(_UNCHECKED), hint="unchecked").to_list(1)
        return (found[0]["count"], max(0.0, found[0]["age"] or 0.0)) if found else (0, 0.0)

    async def count(self, users: Collection[User]) -> None:
        """Note that the time of these users has changed. It finds only those with bookings: others have no guard."""
        ids = [user._asdict() for user in users]
        await self._guards.update_many({"_id": {"$in": ids}}, {"$inc": {"number": 1}, **_unchecked({})})

    async def decide(self, user: User, number: int, claim: Claim) -> bool:
        """Carry out the claim if nothing has changed since `number` was read; False, and nothing done, otherwise.

        Whether True comes or not: once it is decided it will be carried out.
        """
        written = {
            "number": number + 1,
            # Of two primaries each may have had a decision of this number.
            "token": ObjectId(),
            "outlines": [one.document() for one in claim.outlines],
            "answers": claim.answers,
        }
        since = {"_id": user._asdict(), "number": number, "claim": {"$exists": False}}
        change = {"$inc": {"number": 1}, **_unchecked({"claim": written})}
        try:
            done = await self._quick.update_one(since, change, upsert=number == 0)
        except DuplicateKeyError:
            return False
        if not done.matched_count and done.upserted_id is None:
            return False
        await self._carry_out(user._asdict(), written, term=_term_of(done))
        return True

    async def check(self, user: User, number: int) -> bool:
        """Note that nothing is to be told as of `number`; False when something has changed since."""
        checked = {"$unset": {"unchecked": "", "unchecked_since": ""}}
        done = await self._guards.update_one({"_id": user._asdict(), "number": number}, checked)
        return bool(done.matched_count)

    async def _carry_out_found(self, guard: Mapping[str, Any], session: Session | None = None) -> None:
        if "claim" in guard:
            await self._carry_out(guard["_id"], guard["claim"], session=session)

    async def _carry_out(
        self,
        guard_id: Mapping[str, Any],
        claim: Mapping[str, Any],
        *,
        session: Session | None = None,
        term: ObjectId | None = None,
    ) -> None:
        """Done twice, or late, it changes nothing. Answers first: who sees an appointment finds its key answered.

        `term` is the one under which the claim was written just now. What a primary wrote in one term is lost from its
        end, if at all: who has the last step has all of them, and a majority needs to have only that one. Without
        `term` a majority has each step. Raises AutoReconnect where another term has begun.
        """
        concern = None if term is None else AT_ONCE
        answers = [answer_write(one) for one in claim["answers"]]
        if answers:
            await _write_newer(self._answers.with_options(write_concern=concern), answers, session)
        outlines = [outline_write(made_of(Outline, one)) for one in claim["outlines"]]
        if outlines:
            await _write_newer(self._timeline.with_options(write_concern=concern), outlines, session)
        this = {"_id": guard_id, "claim.number": claim["number"], "claim.token": claim.get("token")}
        if term is not None:
            marked = await self._quick.update_one(this, {"$set": {"claim.carried_out": True}})
            _in_term(marked, term)
            this["claim.carried_out"] = True
        ended = await self._guards.update_one(this, {"$unset": {"claim": ""}}, session=session)
        if term is not None and not ended.matched_count:
            _in_term(ended, term)


def _unchecked(fields: Document) -> Document:
    """The change that sets these fields and asks for a check. The moment may be any clock's: it only tells an age."""
    return {"$set": {**fields, "unchecked": True}, "$min": {"unchecked_since": system_clock()}}


def _in_term(done: UpdateResult, term: ObjectId) -> None:
    """Raise AutoReconnect unless it was done in that term.

    What was written before may be gone otherwise; if the claim is not, whoever finds it carries it out.
    """
    if _term_of(done) != term:
        raise AutoReconnect("another primary has come")


def _term_of(done: UpdateResult) -> ObjectId | None:
    """The term of the primary that did it; a server alone has none."""
    return (done.raw_result or {}).get("electionId")


async def _write_newer(
    collection: Any,  # noqa: ANN401 - Motor's collection, whose type needs a parameter that mypy cannot see through with_options
    writes: list[UpdateOne],
    session: Session | None,
) -> None:
    try:
        await collection.bulk_write(writes, ordered=False, session=session)
    except BulkWriteError as error:
        # What is there is as new: somebody else has carried this out, or the key has become another wish's.
        if any(one["code"] != _DUPLICATE for one in error.details["writeErrors"]):
            raise
