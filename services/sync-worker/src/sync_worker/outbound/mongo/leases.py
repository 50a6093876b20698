"""Leases on MongoDB's clock."""

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from pymongo.read_concern import ReadConcern

from runtime.logs import get_logger
from sync_worker.application.claim import Claim, Lease, State
from sync_worker.application.leases import IDLE, MANY, Busy
from sync_worker.domain.fairness import Due, crowding, fair
from sync_worker.outbound.mongo.collections import (
    BUCKETS,
    CONNECTIONS,
    DATABASE,
    IMPORTS,
    NOW,
    Client,
    Document,
    later,
    literal,
)
from sync_worker.outbound.mongo.documents import claim_from, milliseconds
from sync_worker.outbound.mongo.indexes import DUE, DUE_IN_BUCKET, URGENT
from sync_worker.outbound.mongo.locked import TOGETHER_SECONDS, written

_log = get_logger("sync_worker.leases")

_WINDOW: Final = 50
"""At least so many are looked at before any is chosen, so that one place is given as fairly as fifty."""
DUE_AND_FREE: Final = {
    "$expr": {
        "$and": [
            {"$lte": ["$next_sync_at", NOW]},
            {"$or": [{"$ne": [{"$type": "$lease.until"}, "date"]}, {"$lte": ["$lease.until", NOW]}]},
            {"$or": [{"$ne": [{"$type": "$paused"}, "object"]}, {"$eq": ["$state", State.ERASING.value]}]},
        ]
    }
}
"""Overdue, nobody's, and not paused by hand, which stops no erasure. The first part uses the index, the others are
looked at in the few documents it finds."""
ONE_MORE: Final = {"$add": [{"$ifNull": ["$fence", 0]}, 1]}
_SEARCHING_AT_MOST: Final = 0.2
"""The share of a worker's time that goes into looking for others behind one account's backlog: in a million connections
of which 900,000 are one account's and overdue, one search reads some 14,000 keys of the index (40 ms)."""
_PASSED_OVER_SECONDS: Final = 3.0
"""For so long what is locked is not reached for again."""
_RELEASE_SECONDS: Final = 0.5
_HEARTBEAT_SHARE: Final = 6
"""A heartbeat may take this part of a lease until the locked are told from the others; there are two more to come."""


class MongoLeases:
    """Implements `Leases`.

    A batch comes from one of 64 buckets, so that many workers seldom reach for the same documents. Where one gives too
    little more are asked, at last all of them at once. Each worker goes round the buckets in an order of its own.
    Two that do reach for the same documents are told apart by the claim's token.

    What a dead worker held is claimed one by one: it may have died inside a transaction, whose locks are passed over.
    """

    def __init__(
        self,
        client: Client,
        *,
        owner: str,
        length: timedelta,
        database: str = DATABASE,
        shuffle: Callable[[list[int]], None] = random.shuffle,
    ) -> None:
        """`owner` names this worker to people; `length` is how long a lease lasts without being extended."""
        self._connections = client[database][CONNECTIONS]
        # A write that ran out of time may be done and yet be undone. Once a majority has a claim, it has all that was
        # written of the connection and its objects before, and who holds the claim may tell it.
        self._settled = self._connections.with_options(read_concern=ReadConcern("majority"))
        self._owner = owner
        self._length = length
        self._shuffle = shuffle
        self._round: list[int] = []
        self._width = 1
        self._search_again_at = 0.0
        self._lapsed: set[str] = set()
        self._locked: dict[str, float] = {}

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        """Take up to `limit` due connections, up to `imports` of them for the first time."""
        new = await self._due({"bucket": IMPORTS}, DUE_IN_BUCKET, min(limit, imports), busy)
        return await self._taken(new + await self._once_read(limit - len(new), busy))

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        """Take up to `limit` due connections that somebody waits for."""
        return await self._taken(await self._due({"urgent": True}, URGENT, limit, busy))

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Extend what is still held."""
        if not claims:
            return []
        until = _now() + self._length.total_seconds()
        longer = [{"$set": {"lease.until": later(milliseconds(self._length))}}]
        left = await written(
            lambda some: self._connections.update_many(_held(some), longer),
            claims,
            seconds=max(self._length.total_seconds() / _HEARTBEAT_SHARE, TOGETHER_SECONDS),
        )
        found = self._connections.find(_held(claims), {"lease.token": True})
        held = {(document["_id"], document["lease"]["token"]) async for document in found}
        lost = [claim for claim in claims if (claim.connection_id, claim.lease.token) not in held]
        for claim in claims:
            if claim not in lost and claim not in left:
                claim.lease.extend(until)
        return lost

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give back what is still held."""
        if claims:
            free: Document = {"$unset": {"lease": ""}}
            await written(
                lambda some: self._connections.update_many(_held(some), free), claims, seconds=_RELEASE_SECONDS
            )

    async def _once_read(self, limit: int, busy: Busy) -> list[str]:
        """Of what is due again. After too little twice as many others are asked; the next time half after enough."""
        if limit <= 0:
            return []
        window, waiting, width = max(limit, _WINDOW), dict[Due, None](), self._width
        # Whoever claims less than it has room for waits before it looks again: there must be no more to be had.
        while self._width < BUCKETS and len(waiting) < window:
            looked = await self._looked({"bucket": {"$in": self._next_buckets()}}, DUE_IN_BUCKET, window)
            waiting |= dict.fromkeys(looked)
            if len(waiting) < window:
                self._width = min(self._width * 2, BUCKETS)
        if len(waiting) < window:
            waiting = dict.fromkeys(await self._looked({"bucket": {"$gte": 0}}, DUE, window))
        if self._width == width and len(waiting) >= window:
            self._width = max(width // 2, 1)
        return fair(list(waiting), limit, busy)

    def _next_buckets(self) -> list[int]:
        if not self._round:
            self._round = list(range(BUCKETS))
            self._shuffle(self._round)
        asked, self._round = self._round[-self._width :], self._round[: -self._width]
        return asked

    async def _taken(self, ids: Sequence[str]) -> list[Claim]:
        lapsed, self._lapsed = self._lapsed, set()
        if not ids:
            return []
        token, asked_at = uuid4().hex, _now()
        lease = {"owner": literal(self._owner), "token": literal(token), "until": later(milliseconds(self._length))}
        take = [{"$set": {"lease": lease, "fence": ONE_MORE}}]
        left = await written(
            lambda some: self._connections.update_many({"_id": {"$in": some}} | DUE_AND_FREE, take),
            [one for one in ids if one not in lapsed],
            [one for one in ids if one in lapsed],
        )
        until = asked_at + self._length.total_seconds()
        taken = await self._settled.find({"_id": {"$in": ids}, "lease.token": token}).to_list(None)
        self._pass_over({*left} - {document["_id"] for document in taken})
        read = [self._claim(document, Lease(token, until)) for document in taken]
        return [claim for claim in read if claim is not None]

    def _pass_over(self, locked: Collection[str]) -> None:
        now = _now()
        self._locked = {one: until for one, until in self._locked.items() if until > now}
        self._locked |= dict.fromkeys(locked, now + _PASSED_OVER_SECONDS)
        if locked:
            _log.warning("connections_locked", connections=len(locked))

    async def _due(self, among: Document, index: str, limit: int, busy: Busy) -> list[str]:
        """Of what is due there, those that come first."""
        return fair(await self._looked(among, index, max(limit, _WINDOW)), limit, busy) if limit > 0 else []

    async def _looked(self, among: Document, index: str, window: int) -> list[Due]:
        """A window of what is due there, and besides what a crowd hides."""
        waiting = await self._waiting(among, index, window)
        crowd = crowding(waiting, window)
        began = _now()
        if crowd and began >= self._search_again_at:
            waiting += await self._waiting(among | {"account_id": {"$nin": list(crowd)}}, index, window)
            self._search_again_at = _now() + (_now() - began) / _SEARCHING_AT_MOST
        return waiting

    async def _waiting(self, among: Document, index: str, limit: int) -> list[Due]:
        """Up to `limit` that are due, the longest due first."""
        now = _now()
        locked = [one for one, until in self._locked.items() if until > now]
        asked = among | DUE_AND_FREE | ({"_id": {"$nin": locked}} if locked else {})
        found = self._connections.find(asked, {"account_id": True, "lease.token": True}, hint=index)
        waiting = await found.sort("next_sync_at", 1).limit(limit).to_list(None)
        self._lapsed.update(one["_id"] for one in waiting if "lease" in one)
        return [Due(one["_id"], one.get("account_id", "")) for one in waiting]

    def _claim(self, document: Document, lease: Lease) -> Claim | None:
        """None for a document that makes no claim: it must not keep those claimed with it from their work."""
        try:
            return claim_from(document, lease, document["lease"]["until"] - self._length)
        except (KeyError, TypeError, ValueError) as error:
            _log.error("connection_unreadable", connection_id=document["_id"], exc_info=error)
            return None


def _held(claims: Sequence[Claim]) -> Document:
    """Each connection only under its own token: a later claim by the same worker is another lease."""
    return {"$or": [{"_id": claim.connection_id, "lease.token": claim.lease.token} for claim in claims]}


def _now() -> float:
    return asyncio.get_running_loop().time()
