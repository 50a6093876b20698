"""Names and words that the adapters of the `sync` database share."""

from datetime import UTC, datetime
from typing import Any, Final
from zlib import crc32

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Collection = AsyncIOMotorCollection[Document]

DATABASE: Final = "sync"
CONNECTIONS: Final = "connections"
OBJECTS: Final = "objects"
APPOINTMENTS: Final = "appointments"
BUCKETS: Final = 64
IMPORTS: Final = -1
"""The bucket of connections that have never been read to the end: there is room for few of them at a time."""
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a connection is due that is not to be looked at. A missing moment would count as overdue."""
NOW: Final = "$$NOW"
"""MongoDB's clock: the only one that leases and due times go by."""


def bucket_of(connection_id: str) -> int:
    """Where a connection is looked for once it has been read."""
    return crc32(connection_id.encode()) % BUCKETS


def later(milliseconds: int) -> Document:
    """That long after MongoDB's now."""
    return {"$add": [NOW, milliseconds]}


def literal(value: object) -> Document:
    """A value that an aggregation expression takes as it is, whatever characters it begins with."""
    return {"$literal": value}
