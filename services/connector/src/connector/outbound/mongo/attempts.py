"""Attempts at Apple, counted: one document per subject, written atomically and by MongoDB's clock alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from connector.application.prove import Attempt
from connector.domain.attempts import Limit, Subject, Tally
from connector.outbound.mongo.connections import DATABASE
from connector.outbound.mongo.documents import Document
from runtime.logs import get_logger

ATTEMPTS: Final = "attempts"
_NOW: Final = "$$NOW"
_NOW_MS: Final = {"$toLong": _NOW}
_LONGEST_OPEN_MS: Final = 60_000
"""Twice as long as an attempt may take: one that is open for longer died with its process, and goes on counting."""

_log = get_logger(__name__)


class MongoAttempts:
    """`attempts`: `slices` of (beginning, number) and the `open` ones' tokens; forgotten with the last slice.

    Nothing in it is in clear: `_id` is the scope and a pseudonym of the subject.
    """

    def __init__(
        self,
        client: AsyncIOMotorClient[dict[str, Any]],
        pseudonym: Callable[[Subject], str],
        *,
        database: str = DATABASE,
    ) -> None:
        self._attempts = client[database][ATTEMPTS]
        self._pseudonym = pseudonym

    async def prepare(self) -> None:
        """Let what no longer counts go away by itself; repeatable."""
        await self._attempts.create_index([("expires_at", ASCENDING)], name="expired", expireAfterSeconds=0)

    async def begin(self, attempt: Attempt, limit: Limit) -> Tally:
        """Count one more, at once and whatever the limit says."""
        this, change = {"_id": self._id(attempt.subject)}, _one_more(limit, attempt.token)
        try:
            document = await self._change(this, change)
        except DuplicateKeyError:
            # Two began at once with a subject that was not known yet; now it is.
            document = await self._change(this, change)
        return _tally(document)

    async def end(self, attempt: Attempt, *, counts: bool) -> None:
        """Close it. Whatever fails here leaves a count that is too high, until the limit's span has passed."""
        try:
            await self._attempts.update_one(
                {"_id": self._id(attempt.subject)}, _closed(attempt.token) if counts else _taken_out(attempt.token)
            )
        except PyMongoError as error:
            _log.warning("attempt_left_open", reason=type(error).__name__)

    def _id(self, subject: Subject) -> str:
        return f"{subject.scope.value}:{self._pseudonym(subject)}"

    async def _change(self, this: Document, change: list[Document]) -> Document:
        found: Document = await self._attempts.find_one_and_update(
            this, change, upsert=True, return_document=ReturnDocument.AFTER
        )
        return found


def _one_more(limit: Limit, token: str) -> list[Document]:
    step, span = _ms(limit.slice), _ms(limit.within + limit.slice)
    now = {"$subtract": [_NOW_MS, {"$mod": [_NOW_MS, step]}]}
    young = {"$gt": ["$$one.at", {"$subtract": [_NOW_MS, span]}]}
    open_yet = {"$gt": ["$$one.since", {"$subtract": [_NOW_MS, _LONGEST_OPEN_MS]}]}
    return [
        {"$set": {"slices": _kept("$slices", young), "open": _kept("$open", open_yet)}},
        {
            "$set": {
                "slices": {
                    "$cond": [
                        {"$in": [now, "$slices.at"]},
                        _added("$slices", {"$eq": ["$$one.at", now]}, 1),
                        {"$concatArrays": ["$slices", [{"at": now, "number": 1}]]},
                    ]
                },
                "open": {"$concatArrays": ["$open", [{"token": token, "slice": now, "since": _NOW_MS}]]},
                "changed_at": _NOW,
                "expires_at": {"$add": [_NOW, span]},
            }
        },
    ]


def _closed(token: str) -> list[Document]:
    return [{"$set": {"open": _kept("$open", {"$ne": ["$$one.token", token]})}}]


def _taken_out(token: str) -> list[Document]:
    """One less in the slice that it began in, where that is still counted; then closed."""
    mine = {"$filter": {"input": "$open", "as": "one", "cond": {"$eq": ["$$one.token", token]}}}
    of_mine = {"$in": ["$$one.at", {"$map": {"input": mine, "as": "it", "in": "$$it.slice"}}]}
    return [{"$set": {"slices": _added("$slices", of_mine, -1)}}, *_closed(token)]


def _kept(array: str, condition: Document) -> Document:
    return {"$filter": {"input": {"$ifNull": [array, []]}, "as": "one", "cond": condition}}


def _added(slices: str, where: Document, number: int) -> Document:
    sum_ = {"$add": ["$$one.number", {"$cond": [where, number, 0]}]}
    return {"$map": {"input": slices, "as": "one", "in": {"at": "$$one.at", "number": sum_}}}


def _tally(document: Document) -> Tally:
    slices = sorted((_moment(one["at"]), int(one["number"])) for one in document["slices"] if one["number"] > 0)
    return Tally(document["changed_at"], tuple(slices), len(document["open"]))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
