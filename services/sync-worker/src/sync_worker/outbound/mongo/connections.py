"""Connections as the connector describes them, into MongoDB."""

from collections.abc import Collection, Mapping
from typing import Final

from pymongo.errors import DuplicateKeyError

from contracts.events import CalendarDisconnected, RequestReason
from runtime import tracing
from sync_worker.application.claim import State
from sync_worker.application.tell_calendars import told_of
from sync_worker.application.track_connection import NOT_TOLD, Standing
from sync_worker.domain.holds import Wish, means
from sync_worker.outbound.mongo.collections import (
    CONNECTIONS,
    DATABASE,
    IMPORTS,
    NEVER,
    NOW,
    Client,
    Document,
    bucket_of,
    literal,
)
from sync_worker.outbound.mongo.documents import home_told_document

ONE_MORE_WAKE: Final = {"$add": [{"$ifNull": ["$wakes", 0]}, 1]}
AS_SOON_AS_ALLOWED: Final = {"$max": [NOW, "$throttled_until"]}
"""Now, or when Apple allows it again; `$max` passes over what is missing."""
_READ_ONCE: Final = {"$eq": [{"$type": "$as_of"}, "date"]}
URGENT: Final = {"$cond": [_READ_ONCE, True, "$$REMOVE"]}
"""First imports come first all the same, but only as many at a time as there is room for."""
_ASKED: Final = {RequestReason.USER: "activity.asked_at", RequestReason.BOOKING: "activity.booked_at"}


class MongoConnections:
    """Implements `Connections`. Each call is one guarded write."""

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]

    async def follow(self, standing: Standing) -> bool:
        """Take over the state if it is newer than what is kept, and the connection has not ended."""
        one, epoch, revision = standing.connection_id, standing.epoch, standing.revision
        reconnected = {"$gt": [epoch, {"$ifNull": ["$epoch", 0]}]}
        stopped = {"$and": [{"$eq": [{"$type": "$stopped_at"}, "date"]}, {"$not": [reconnected]}]}
        refused = {"$and": [{"$eq": [{"$type": "$rejections"}, "object"]}, {"$not": [reconnected]}]}
        update = {
            **_told(
                standing.model_dump(mode="json", include={"account_id", "user_id", "access", "time_zone", "setup"})
            ),
            "epoch": epoch,
            "revision": revision,
            "state": State.ACTIVE.value,
            "home_told": literal(home_told_document(told_of(standing.calendars))),
            "bucket": {"$cond": [_READ_ONCE, bucket_of(one), IMPORTS]},
            # Between 401s, and after the last, their spacing stands.
            "next_sync_at": {
                "$cond": [stopped, literal(NEVER), {"$cond": [refused, "$next_sync_at", AS_SOON_AS_ALLOWED]}]
            },
            "urgent": URGENT,
            "activity.asked_at": NOW,
            "exports.due_at": NOW,
            "wakes": ONE_MORE_WAKE,
            **tracing.noted(),
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
            "bucket": bucket_of(connection_id),
            "next_sync_at": NOW,
            "urgent": True,
            "wakes": ONE_MORE_WAKE,
            **tracing.noted(),
        }
        if whose is None:
            done = await self._connections.update_one(
                {"_id": connection_id, "state": State.ACTIVE.value, "epoch": {"$lte": epoch}}, [{"$set": update}]
            )
            return done.modified_count > 0
        return await self._newer(connection_id, (epoch, revision), update)

    async def wish(
        self, connection_id: str, wishes: Mapping[str, Wish], said_at: int, *, seen: Mapping[str, int] = NOT_TOLD
    ) -> Collection[str]:
        """Keep what was said about held removals, but for confirmations of something else than is held."""
        whose = {"_id": connection_id, "state": State.ACTIVE.value}
        said = {f"wishes.{one}": _counting(one, wish, said_at, seen.get(one)) for one, wish in wishes.items()}
        before: Document | None = await self._connections.find_one_and_update(
            whose, [{"$set": said}], _held_since(wishes)
        )
        if before is None:
            return ()
        calendars = before.get("calendars", {})
        held = {one: calendars.get(one, {}).get("hold", {}).get("since") for one in _confirmed(wishes)}
        return [one for one, since in held.items() if since is None or not means(since, said_at, seen.get(one))]

    async def wake(self, connection_id: str, reason: RequestReason = RequestReason.OPS) -> bool:
        """Due now. Not while 401s are being confirmed: their spacing is what makes them count."""
        asked = ({_ASKED[reason]: NOW} if reason in _ASKED else {}) | dict(tracing.noted())
        done = await self._connections.update_one(
            {"_id": connection_id, "state": State.ACTIVE.value, "rejections": {"$exists": False}},
            [{"$set": {"next_sync_at": AS_SOON_AS_ALLOWED, "urgent": URGENT, "wakes": ONE_MORE_WAKE, **asked}}],
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


def _confirmed(wishes: Mapping[str, Wish]) -> Collection[str]:
    return [one for one, wish in wishes.items() if wish is Wish.CONFIRM]


def _held_since(wishes: Mapping[str, Wish]) -> Document:
    """What to read of the calendars whose removals are confirmed."""
    return {"_id": True} | {f"calendars.{one}.hold.since": True for one in _confirmed(wishes)}


def _counting(one: str, wish: Wish, said_at: int, seen: int | None) -> Document | str:
    """The wish that counts from here on. As `holds.means`, in the write itself."""
    if wish is not Wish.CONFIRM:
        return wish.value
    since = f"$calendars.{one}.hold.since"
    first, last = (0, said_at) if seen is None else (seen, seen)
    told = [{"$gte": [{"$toLong": since}, first * 1000]}, {"$lt": [{"$toLong": since}, (last + 1) * 1000]}]
    return {"$cond": [{"$and": [{"$eq": [{"$type": since}, "date"]}, *told]}, wish.value, f"$wishes.{one}"]}


def _told(values: Document) -> Document:
    return {name: literal(value) for name, value in values.items()}
