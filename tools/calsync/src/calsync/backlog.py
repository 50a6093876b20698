"""What waits: for a worker, and for Kafka."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from calsync.ends import End
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import NEVER, PENDING, UNCHECKED, Document, Stores, stores

_MOST: Final = 10_000
"""No count goes further: it would only say that there are too many."""


async def show_leases(session: Session, *, connections: bool, limit: int) -> End:
    """Who has how many connections, and what is due and nobody's."""
    async with stores(session.load(Store).mongo) as found:
        now = await found.now()
        report: dict[str, Any] = {"workers": await _workers(found, now), "due": await _due(found, now)}
        if connections:
            report["connections"] = await _leased(found, now, limit)
        session.tell(**report)
    return End.OK


async def show_pending(session: Session, max_age: timedelta) -> End:
    """How much waits in each service to be told, and since when; WRONG when the oldest is older than `max_age`."""
    async with stores(session.load(Store).mongo) as found:
        now = await found.now()
        rows = [
            await _announcements("connector", found.connections, now),
            await _events(found, now),
            await _announcements("availability", found.timeline, now),
            await _unchecked(found, now),
        ]
    late = [one["service"] for one in rows if (one["oldest_seconds"] or 0) > max_age.total_seconds()]
    session.tell(pending=rows, late=late)
    return End.WRONG if late else End.OK


async def _workers(found: Stores, now: datetime) -> Sequence[Document]:
    lapsed = {"$cond": [{"$lte": ["$lease.until", now]}, 1, 0]}
    group = {
        "_id": "$lease.owner",
        "connections": {"$sum": 1},
        "lapsed": {"$sum": lapsed},
        "last_until": {"$max": "$lease.until"},
    }
    counted = found.synced.aggregate(
        [{"$match": {"lease.until": {"$type": "date"}}}, {"$group": group}, {"$sort": {"_id": 1}}]
    )
    return [{"worker": one.pop("_id"), **one} async for one in counted]


async def _due(found: Stores, now: datetime) -> Document:
    free = {"$or": [{"lease.until": {"$exists": False}}, {"lease.until": {"$lte": now}}]}
    # The bucket names the index: first imports, which have their own, are counted below.
    where = {"bucket": {"$gte": 0}, "next_sync_at": {"$lte": now}, "paused": {"$exists": False}, **free}
    first = await found.synced.find_one(where, {"next_sync_at": True}, sort=[("next_sync_at", 1)])
    imports = {"bucket": -1, "next_sync_at": {"$lt": NEVER}}
    return {
        "connections": await found.synced.count_documents(where, limit=_MOST),
        "oldest_seconds": None if first is None else _age(first["next_sync_at"], now),
        "first_imports": await found.synced.count_documents(imports, limit=_MOST),
        "paused": await found.synced.count_documents({"paused": {"$exists": True}}, limit=_MOST),
    }


async def _leased(found: Stores, now: datetime, limit: int) -> Sequence[Document]:
    fields = {"lease.owner": True, "lease.until": True, "fence": True}
    where = {"lease.until": {"$type": "date"}}
    return [
        {
            "connection_id": one["_id"],
            "worker": one["lease"]["owner"],
            "until": one["lease"]["until"],
            "lapsed": one["lease"]["until"] <= now,
            "fence": one["fence"],
        }
        async for one in found.synced.find(where, fields).sort("_id", 1).limit(limit)
    ]


async def _announcements(service: str, collection: Any, now: datetime) -> Document:  # noqa: ANN401 - Motor's own
    where = {"pending.revision": {"$gt": 0}}
    # What waits once more does so longer after it happened.
    since = {"$map": {"input": "$pending", "in": {"$ifNull": ["$$this.since", "$$this.at"]}}}
    first = {"$group": {"_id": None, "at": {"$min": {"$min": since}}}}
    oldest = await collection.aggregate([{"$match": where}, {"$limit": _MOST}, first]).to_list(None)
    waiting = await collection.count_documents(where, limit=_MOST)
    return _waiting(service, waiting, oldest[0]["at"] if oldest else None, now)


async def _events(found: Stores, now: datetime) -> Document:
    """The age of an event is that of the look that saw it."""
    where = {"pending": True}
    first = {"$group": {"_id": None, "at": {"$min": "$as_of"}}}
    # Left to itself MongoDB would read every object: it holds a partial index to be narrower than the question.
    oldest = await found.objects.aggregate([{"$match": where}, {"$limit": _MOST}, first], hint=PENDING).to_list(None)
    waiting = await found.objects.count_documents(where, limit=_MOST, hint=PENDING)
    moment = datetime.fromtimestamp(oldest[0]["at"], UTC) if oldest else None
    return _waiting("sync-worker", waiting, moment, now)


async def _unchecked(found: Stores, now: datetime) -> Document:
    """Users whose appointments are still to be held against their time, as availability itself counts them."""
    where = {"unchecked": True}
    first = {"$group": {"_id": None, "at": {"$min": "$unchecked_since"}}}
    oldest = await found.guards.aggregate([{"$match": where}, {"$limit": _MOST}, first], hint=UNCHECKED).to_list(None)
    waiting = await found.guards.count_documents(where, limit=_MOST, hint=UNCHECKED)
    return _waiting("availability-conflicts", waiting, oldest[0]["at"] if oldest else None, now)


def _waiting(service: str, count: int, oldest: datetime | None, now: datetime) -> Document:
    age = None if oldest is None else _age(oldest, now)
    return {"service": service, "waiting": count, "most_counted": _MOST, "oldest_seconds": age}


def _age(moment: datetime, now: datetime) -> int:
    return max(0, round((now - moment).total_seconds()))
