"""Numbers of the fleet, from MongoDB and by its clock. Every question is bounded, whatever the size of the fleet."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sync_worker.application.claim import State
from sync_worker.application.measure import Overdue, Sample, Seen, Standing
from sync_worker.outbound.mongo.collections import CONNECTIONS, DATABASE, IMPORTS, NOW, OBJECTS, Client, Document
from sync_worker.outbound.mongo.indexes import DUE, DUE_IN_BUCKET, PENDING, QUARANTINED
from sync_worker.outbound.mongo.leases import DUE_AND_FREE

MOST: Final = 10_000
"""Counted no further: whoever sees this number knows enough."""
_SAMPLE: Final = 500
"""At 99 % that are fresh, five minutes of one worker's samples tell the share to a tenth of a percent."""
_WATCHED: Final = 1_000
_GRACE: Final = 5_000
"""Milliseconds. Between two claims of all workers something is always due; it is no backlog."""
_LATE: Final = {"$expr": {"$lte": ["$next_sync_at", {"$subtract": [NOW, _GRACE]}]}}
_BY_INDEX: Final = (({"bucket": {"$gte": 0}}, DUE), ({"bucket": IMPORTS}, DUE_IN_BUCKET))
"""Those that have been read before, and first imports."""
_SECONDS_PER_MILLISECOND: Final = 0.001


class MongoFleet:
    """Implements `Fleet`."""

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]
        self._objects = client[database][OBJECTS]

    async def overdue(self) -> Overdue:
        """What waits for a worker."""
        found = [await self._overdue(among, index) for among, index in _BY_INDEX]
        return Overdue(min(sum(each.connections for each in found), MOST), max(each.oldest_seconds for each in found))

    async def sample(self) -> Sample:
        """Drawn by MongoDB."""
        living = {"state": {"$in": [State.ACTIVE.value, State.ERASING.value]}}
        age = {"$multiply": [{"$subtract": [NOW, "$as_of"]}, _SECONDS_PER_MILLISECOND]}
        seen = {"state": True, "age": age, "stopped_at": True, "rejections.count": True, "paused": True}
        # The draw comes first: then it costs as much as what is drawn, not as much as what there is.
        drawn = self._connections.aggregate([{"$sample": {"size": _SAMPLE}}, {"$match": living}, {"$project": seen}])
        found = [_seen(document) for document in await drawn.to_list(None)]
        there = await self._connections.estimated_document_count()
        return Sample(found, max(1.0, there / _SAMPLE))

    async def quarantined(self) -> int:
        """Counted in their own index."""
        return await self._objects.count_documents(
            {"quarantine.reason": {"$exists": True}}, limit=MOST, hint=QUARANTINED
        )

    async def _overdue(self, among: Mapping[str, Any], index: str) -> Overdue:
        due = dict(among) | DUE_AND_FREE
        late = {"$and": [due, _LATE]}
        first = {"_id": False, "age": {"$multiply": [{"$subtract": [NOW, "$next_sync_at"]}, _SECONDS_PER_MILLISECOND]}}
        found = self._connections.find(due, first, hint=index).sort("next_sync_at", 1).limit(1)
        oldest = next(iter(await found.to_list(1)), None)
        if oldest is None:
            return Overdue(0, 0.0)
        return Overdue(await self._connections.count_documents(late, limit=MOST, hint=index), max(0.0, oldest["age"]))


class WatchedOutbox:
    """How many states wait for Kafka, and for how long those have been seen to wait that wait still.

    Nothing tells since when a state waits; a worker remembers since when it has seen it do so.
    """

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._objects = client[database][OBJECTS]
        self._since: dict[tuple[str, int], float] = {}

    async def __call__(self) -> Sequence[float]:
        """How many, and the seconds of the oldest; 0 for what is seen for the first time."""
        pending = {"pending": True}
        found = self._objects.find(pending, {"revision": True}, hint=PENDING).limit(_WATCHED)
        now, waiting = asyncio.get_running_loop().time(), await found.to_list(None)
        self._since = {
            one: self._since.get(one, now) for one in ((document["_id"], document["revision"]) for document in waiting)
        }
        count = len(waiting)
        if count == _WATCHED:
            count = await self._objects.count_documents(pending, limit=MOST, hint=PENDING)
        return count, now - min(self._since.values(), default=now)


def _seen(document: Document) -> Seen:
    if document["state"] == State.ERASING.value:
        return Seen(Standing.ERASING, None)
    if document.get("paused"):
        return Seen(Standing.PAUSED, None)
    if "stopped_at" in document:
        return Seen(Standing.STOPPED, None)
    if document.get("rejections"):
        return Seen(Standing.REFUSED, None)
    age = document.get("age")
    return Seen(Standing.IMPORTING, None) if age is None else Seen(Standing.HEALTHY, max(0.0, age))
