"""The indexes that the adapters' queries rely on."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from sync_worker.outbound.mongo.collections import APPOINTMENTS, CONNECTIONS, DATABASE, OBJECTS, Client

DUE: Final = "due_once_read"
DUE_IN_BUCKET: Final = "due_in_bucket_by_account"
URGENT: Final = "urgent"
REFUSED: Final = "refused"
PENDING: Final = "pending"
QUARANTINED: Final = "quarantined"
COUNTS: Final = "counts"
APPOINTMENTS_LAST_SECONDS: Final = 30 * 24 * 60 * 60
"""After their end; as long as their topic is kept, so that a repeated word finds what it is about."""
GRAVESTONES_LAST_SECONDS: Final = 30 * 24 * 60 * 60
"""Far longer than any publisher may sleep and any consumer may be away without rebuilding."""


async def make_indexes(client: Client, database: str = DATABASE) -> None:
    """Make what is missing; nothing when all are there. Makes the collections too: a transaction could not."""
    connections, objects = client[database][CONNECTIONS], client[database][OBJECTS]
    await client[database][APPOINTMENTS].create_indexes(_of_appointments())
    await connections.create_indexes(
        [
            # The account stands in the keys, so that others are found behind one account's backlog without reading it.
            IndexModel(
                [("bucket", ASCENDING), ("next_sync_at", ASCENDING), ("account_id", ASCENDING)], name=DUE_IN_BUCKET
            ),
            IndexModel([("next_sync_at", ASCENDING)], name=DUE, partialFilterExpression={"bucket": {"$gte": 0}}),
            IndexModel(
                [("next_sync_at", ASCENDING), ("account_id", ASCENDING)],
                name=URGENT,
                partialFilterExpression={"urgent": True},
            ),
            IndexModel(
                [("rejections.last", ASCENDING)],
                name=REFUSED,
                partialFilterExpression={"rejections.last": {"$exists": True}},
            ),
            IndexModel(
                [("account_id", ASCENDING), ("user_id", ASCENDING)],
                name="of_user",
                partialFilterExpression={"state": "active"},
            ),
        ]
    )
    await objects.create_indexes(_of_objects())


def _of_objects() -> list[IndexModel]:
    return [
        IndexModel([("connection_id", ASCENDING), ("calendar_id", ASCENDING)], name="of_calendar"),
        IndexModel([("connection_id", ASCENDING)], name=PENDING, partialFilterExpression={"pending": True}),
        IndexModel(
            [("connection_id", ASCENDING), ("calendar_id", ASCENDING)],
            name=QUARANTINED,
            partialFilterExpression={"quarantine.reason": {"$exists": True}},
        ),
        IndexModel(
            [("connection_id", ASCENDING)],
            name="titled",
            partialFilterExpression={"content.title": {"$type": "string"}},
        ),
        IndexModel([("connection_id", ASCENDING)], name="tied", partialFilterExpression={"tied_to": {"$exists": True}}),
        IndexModel(
            [("connection_id", ASCENDING), ("extent.1", ASCENDING)],
            name="ended",
            partialFilterExpression={"alive": True},
        ),
        IndexModel([("connection_id", ASCENDING), ("occurrences", ASCENDING)], name=COUNTS),
        IndexModel([("gone_at", ASCENDING)], name="gravestones", expireAfterSeconds=GRAVESTONES_LAST_SECONDS),
    ]


def _of_appointments() -> list[IndexModel]:
    user = [("account_id", ASCENDING), ("user_id", ASCENDING)]
    return [
        IndexModel([*user, ("due_at", ASCENDING)], name="due", partialFilterExpression={"due_at": {"$type": "date"}}),
        IndexModel([*user, ("end", ASCENDING)], name="of_user"),
        IndexModel(
            [("copy.event_id", ASCENDING)],
            name="copied",
            partialFilterExpression={"copy.event_id": {"$type": "string"}},
        ),
        IndexModel([("expires_at", ASCENDING)], name="over", expireAfterSeconds=APPOINTMENTS_LAST_SECONDS),
    ]
