"""Events that only Kafka has: told before their connection's epoch, and in neither the backup nor iCloud."""

from collections.abc import AsyncIterator, Collection

from aiokafka import AIOKafkaConsumer

from calsync.newest import events_in
from calsync.restored import left_over
from calsync.stores import Stores


async def counted(
    found: Stores, kafka: AIOKafkaConsumer, number: int, ids: Collection[str]
) -> AsyncIterator[tuple[str, int, int]]:
    """How many of each connection of a partition that was ever renewed, beside how many that it has."""
    fields = {"epoch": True}
    where = {"_id": {"$in": sorted(ids)}, "renewed_at": {"$exists": True}, "state": {"$ne": "disconnected"}}
    renewed = {one["_id"]: one["epoch"] async for one in found.connections.find(where, fields)}
    events = await events_in(kafka, number) if renewed else {}
    for one, epoch in renewed.items():
        living = [
            each["_id"] async for each in found.objects.find({"connection_id": one, "alive": True}, {"_id": True})
        ]
        left = left_over(events.get(one, {}), living, epoch)
        if left:
            yield one, len(left), len(living)
