"""Leases on MongoDB's clock."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from runtime.logs import get_logger
from sync_worker.application.claim import Claim, Lease
from sync_worker.outbound.mongo.collections import (
    BUCKETS,
    CONNECTIONS,
    DATABASE,
    NOW,
    Client,
    Document,
    later,
    literal,
)
from sync_worker.outbound.mongo.documents import claim_from, milliseconds

_log = get_logger("sync_worker.leases")

_DUE: Final = {
    "$expr": {
        "$and": [
            {"$lte": ["$next_sync_at", NOW]},
            {"$or": [{"$ne": [{"$type": "$lease.until"}, "date"]}, {"$lte": ["$lease.until", NOW]}]},
        ]
    }
}
"""Overdue, and nobody's. The first part uses the index, the second is looked at in the few documents it finds."""
_ONE_MORE: Final = {"$add": [{"$ifNull": ["$fence", 0]}, 1]}


class MongoLeases:
    """Implements `Leases`.

    A batch comes from one of 64 buckets, drawn at random, so that many workers seldom reach for the same documents;
    where that bucket has nothing due, from all. Two that do reach for the same are told apart by the claim's token.
    """

    def __init__(
        self,
        client: Client,
        *,
        owner: str,
        length: timedelta,
        database: str = DATABASE,
        draw: Callable[[int], int] = random.randrange,
    ) -> None:
        """`owner` names this worker to people; `length` is how long a lease lasts without being extended."""
        self._connections = client[database][CONNECTIONS]
        self._owner = owner
        self._length = length
        self._draw = draw

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Take up to `limit` due connections."""
        ids = await self._due({"bucket": self._draw(BUCKETS)}, limit) or await self._due({}, limit)
        if not ids:
            return []
        token, asked_at = uuid4().hex, asyncio.get_running_loop().time()
        lease = {"owner": literal(self._owner), "token": literal(token), "until": later(milliseconds(self._length))}
        await self._connections.update_many(
            {"_id": {"$in": ids}} | _DUE, [{"$set": {"lease": lease, "fence": _ONE_MORE}}]
        )
        until = asked_at + self._length.total_seconds()
        taken = self._connections.find({"_id": {"$in": ids}, "lease.token": token})
        read = [_claim(document, Lease(token, until)) async for document in taken]
        return [claim for claim in read if claim is not None]

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Extend what is still held."""
        if not claims:
            return []
        until = asyncio.get_running_loop().time() + self._length.total_seconds()
        mine = _held(claims)
        await self._connections.update_many(mine, [{"$set": {"lease.until": later(milliseconds(self._length))}}])
        found = self._connections.find(mine, {"lease.token": True})
        held = {(document["_id"], document["lease"]["token"]) async for document in found}
        lost = [claim for claim in claims if (claim.connection_id, claim.lease.token) not in held]
        for claim in claims:
            if claim not in lost:
                claim.lease.extend(until)
        return lost

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give back what is still held."""
        if claims:
            await self._connections.update_many(_held(claims), {"$unset": {"lease": ""}})

    async def _due(self, among: Document, limit: int) -> list[str]:
        found = self._connections.find(among | _DUE, {"_id": True}).sort("next_sync_at", 1).limit(limit)
        return [document["_id"] async for document in found]


def _claim(document: Document, lease: Lease) -> Claim | None:
    """None for a document that makes no claim: it must not keep those that were claimed with it from their work."""
    try:
        return claim_from(document, lease)
    except (KeyError, TypeError, ValueError) as error:
        _log.error("connection_unreadable", connection_id=document["_id"], exc_info=error)
        return None


def _held(claims: Sequence[Claim]) -> Document:
    """Each connection only under its own token: a later claim by the same worker is another lease."""
    return {"$or": [{"_id": claim.connection_id, "lease.token": claim.lease.token} for claim in claims]}
