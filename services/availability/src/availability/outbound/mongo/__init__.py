"""MongoDB: the timeline of all users, their appointments and blocked slots, and what waits to be told."""

from availability.outbound.mongo.bookings import MongoBookings
from availability.outbound.mongo.clock import MongoClock
from availability.outbound.mongo.indexes import QUESTIONS
from availability.outbound.mongo.outbox import MongoConflicts, MongoExports, MongoOutbox
from availability.outbound.mongo.timeline import COLLECTION, DATABASE, MongoTimeline, passes

__all__ = [
    "COLLECTION",
    "DATABASE",
    "QUESTIONS",
    "MongoBookings",
    "MongoClock",
    "MongoConflicts",
    "MongoExports",
    "MongoOutbox",
    "MongoTimeline",
    "passes",
]
