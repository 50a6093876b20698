"""Connections as the connector describes them, into MongoDB."""

from typing import Final
from zlib import crc32

from pymongo.errors import DuplicateKeyError

from contracts.events import CalendarDisconnected
from sync_worker.application.claim import State
from sync_worker.application.track_connection import Standing
from sync_worker.outbound.mongo.collections import (
    BUCKETS,
    CONNECTIONS,
    DATABASE,
    NEVER,
    NOW,
    Client,
    Document,
    literal,
)

_ONE_MORE_WAKE: Final = {"$add": [{"$ifNull": ["$wakes", 0]}, 1]}
_AS_SOON_AS_ALLOWED: Final = {"$max": [NOW, "$throttled_until"]}
"""Now, or when Apple allows it again; `$max` passes over what is missing."""


class MongoConnections:
    """Implements `Connections`. Each call is one guarded write."""

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]

    async def follow(self, standing: Standing) -> bool:
        """Take over the state if it is newer than what is kept, and the connection has not ended."""
        one, epoch, revision = standing.connection_id, standing.epoch, standing.revision
        reconnected = {"$gt": [epoch, {"$ifNull": ["$epoch", 0]}]}
        stopped = {"$and": [{"$eq": [{"$type": "$stopped_at"}, "date"]}, {"$not": [reconnected]}]}
        update = {
            **_told(
                standing.model_dump(mode="json", include={"account_id", "user_id", "access", "time_zone", "setup"})
            ),
            "epoch": epoch,
            "revision": revision,
            "state": State.ACTIVE.value,
            "bucket": crc32(one.encode()) % BUCKETS,
            "next_sync_at": {"$cond": [stopped, literal(NEVER), _AS_SOON_AS_ALLOWED]},
            "wakes": _ONE_MORE_WAKE,
            "failures": {"$cond": [reconnected, 0, "$failures"]},
            "rejections": {"$cond": [reconnected, "$$REMOVE", "$rejections"]},
            "stopped_at": {"$cond": [reconnected, "$$REMOVE", "$stopped_at"]},
        }
        return await self._newer(one, (epoch, revision), update)

    async def end(self, connection_id: str, *, epoch: int, revision: int, whose: CalendarDisconnected | None) -> bool:
        """Mark for erasure. An unknown one is kept too, so that what comes late finds it ended."""
        update: Document = {
            **_told({"account_id": whose.account_id, "user_id": whose.user_id} if whose else {}),
            "epoch": epoch,
            "revision": revision,
            "state": State.ERASING.value,
            "bucket": crc32(connection_id.encode()) % BUCKETS,
            "next_sync_at": NOW,
            "wakes": _ONE_MORE_WAKE,
        }
        if whose is None:
            done = await self._connections.update_one(
                {"_id": connection_id, "state": State.ACTIVE.value, "epoch": {"$lte": epoch}}, [{"$set": update}]
            )
            return done.modified_count > 0
        return await self._newer(connection_id, (epoch, revision), update)

    async def wake(self, connection_id: str) -> bool:
        """Due now. Not while 401s are being confirmed: their spacing is what makes them count."""
        done = await self._connections.update_one(
            {"_id": connection_id, "state": State.ACTIVE.value, "rejections": {"$exists": False}},
            [{"$set": {"next_sync_at": _AS_SOON_AS_ALLOWED, "wakes": _ONE_MORE_WAKE}}],
        )
        return done.matched_count > 0

    async def _newer(self, one: str, version: tuple[int, int], update: Document) -> bool:
        epoch, revision = version
        older = [{"epoch": {"$lt": epoch}}, {"epoch": epoch, "revision": {"$lt": revision}}]
        try:
            done = await self._connections.update_one(
                {"_id": one, "state": State.ACTIVE.value, "$or": older}, [{"$set": update}], upsert=True
            )
        except DuplicateKeyError:
            # It is there, and the filter did not find it: what is kept is newer, or has ended.
            return False
        return done.modified_count > 0 or done.upserted_id is not None


def _told(values: Document) -> Document:
    return {name: literal(value) for name, value in values.items()}
