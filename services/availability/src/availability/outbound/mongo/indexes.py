"""The collections and their indexes."""

from collections.abc import Mapping, Sequence
from typing import Final

from pymongo import ASCENDING, IndexModel

TIMELINE: Final = "timeline"
GUARDS: Final = "guards"
ANSWERS: Final = "answers"

QUESTIONS: Final = "questions"
"""The index that answers every question."""
ENTRIES: Final = "entries"
"""What takes time by itself, by user; imported events are not in it."""
CANCELLED: Final = "cancelled_in_order"
"""Appointments that were called off, by user, in the order of lists."""

INDEXES: Final[Mapping[str, Sequence[IndexModel]]] = {
    TIMELINE: (
        IndexModel(
            [(field, ASCENDING) for field in ("account_id", "user_id", "periods", "until", "since")], name=QUESTIONS
        ),
        IndexModel(
            [(field, ASCENDING) for field in ("account_id", "user_id", "kind", "until")],
            name=ENTRIES,
            partialFilterExpression={"entry": {"$exists": True}},
        ),
        IndexModel(
            [(field, ASCENDING) for field in ("account_id", "user_id", "start", "_id")],
            name=CANCELLED,
            partialFilterExpression={"standing": "cancelled"},
        ),
        IndexModel([("pending.revision", ASCENDING)], name="pending", sparse=True),
        IndexModel([("connection_id", ASCENDING)], name="erasure", sparse=True),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    GUARDS: (IndexModel([("unchecked", ASCENDING)], name="unchecked", sparse=True),),
    ANSWERS: (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
}
