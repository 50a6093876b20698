"""A connection's documents changed by hand, as safely as the workers change them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from calsync.ends import NotThere
from calsync.stores import Document, Stores

ACTIVE: Final = "active"
_NOW: Final = "$$NOW"
FREE: Final = {"$expr": {"$or": [{"$ne": [{"$type": "$lease.until"}, "date"]}, {"$lte": ["$lease.until", _NOW]}]}}
_REJECTED: Final = {"$eq": [{"$type": "$rejections"}, "object"]}
DUE: Final = {
    # Between 401s, and after the last, their spacing stands; so does what Apple asked for.
    "next_sync_at": {"$cond": [_REJECTED, "$next_sync_at", {"$max": [_NOW, "$throttled_until"]}]},
    "urgent": {"$cond": [{"$eq": [{"$type": "$as_of"}, "date"]}, True, "$$REMOVE"]},
    "wakes": {"$add": [{"$ifNull": ["$wakes", 0]}, 1]},
}
"""The fields of a connection that is to be looked at now."""
TAKEN: Final = {
    "fence": {"$add": [{"$ifNull": ["$fence", 0]}, 1]},
    "batches": {"$add": [{"$ifNull": ["$batches", 0]}, 1]},
    "lease": "$$REMOVE",
}
"""The fields of a connection that was taken out of everybody's hands: the fence grows."""
_AGAIN_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 30.0
"""A pass takes seconds; a first import may take longer, and is not to be disturbed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What to set on the connection, and on which of its objects what."""

    connection: Mapping[str, object] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    """Fields of the connection that go."""
    objects: Mapping[str, object] | None = None
    """The filter of the objects, within the connection; None: none of them."""
    change: Mapping[str, object] = field(default_factory=dict)


Decision = Callable[[Document], Edit]
"""What is to be changed of a connection, by its document."""


async def edit(stores: Stores, connection_id: str, decide: Decision, *, seconds: float = PATIENCE_SECONDS) -> int:
    """Write in one transaction, at a moment when no worker has the connection, and have it looked at now.

    The fence grows with it: a worker that was frozen past its lease and wakes later writes nothing over it. `decide`
    gets the connection as it is then. Returns how many objects were changed; raises NotThere.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        touched = await _once(stores, connection_id, decide)
        if touched is not None:
            return touched
        if await stores.synced.count_documents({"_id": connection_id, "state": ACTIVE}, limit=1) == 0:
            raise NotThere(f"The workers have no active connection {connection_id}.")
        if loop.time() >= until:
            raise NotThere(
                f"A worker has had {connection_id} for {seconds:.0f} s: try again later, or look at `calsync leases`."
            )
        await asyncio.sleep(_AGAIN_SECONDS)


async def _once(stores: Stores, connection_id: str, decide: Decision) -> int | None:
    """How many objects were changed; None when somebody has the connection."""
    mine = {"_id": connection_id, "state": ACTIVE}

    async def write(session: AsyncIOMotorClientSession) -> int | None:
        taken: Document | None = await stores.synced.find_one_and_update(
            mine | FREE, [{"$set": TAKEN | DUE}], session=session, return_document=ReturnDocument.AFTER
        )
        if taken is None:
            return None
        decided = decide(taken)
        fields: Document = {}
        if decided.connection:
            fields["$set"] = dict(decided.connection)
        if decided.absent:
            fields["$unset"] = dict.fromkeys(decided.absent, "")
        if fields:
            await stores.synced.update_one(mine, fields, session=session)
        if decided.objects is None:
            return 0
        done = await stores.objects.update_many(
            {**decided.objects, "connection_id": connection_id}, {"$set": dict(decided.change)}, session=session
        )
        return int(done.matched_count)

    async with await stores.client.start_session() as session:
        written: int | None = await session.with_transaction(write)
    return written
