"""The indexes that the adapters' queries rely on."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from sync_worker.outbound.mongo.collections import CONNECTIONS, DATABASE, OBJECTS, Client

GRAVESTONES_LAST_SECONDS: Final = 30 * 24 * 60 * 60
"""Far longer than any publisher may sleep and any consumer may be away without rebuilding."""


async def make_indexes(client: Client, database: str = DATABASE) -> None:
    """Make what is missing; nothing when all are there. Makes the collections too: a transaction could not."""
    connections, objects = client[database][CONNECTIONS], client[database][OBJECTS]
    await connections.create_indexes(
        [
            IndexModel([("bucket", ASCENDING), ("next_sync_at", ASCENDING)], name="due_in_bucket"),
            IndexModel([("next_sync_at", ASCENDING)], name="due"),
        ]
    )
    await objects.create_indexes(
        [
            IndexModel([("connection_id", ASCENDING), ("calendar_id", ASCENDING)], name="of_calendar"),
            IndexModel([("connection_id", ASCENDING)], name="pending", partialFilterExpression={"pending": True}),
            IndexModel(
                [("connection_id", ASCENDING), ("calendar_id", ASCENDING)],
                name="quarantined",
                partialFilterExpression={"quarantine.reason": {"$exists": True}},
            ),
            IndexModel([("gone_at", ASCENDING)], name="gravestones", expireAfterSeconds=GRAVESTONES_LAST_SECONDS),
        ]
    )
