"""The worker's database `sync`: connections, and the calendar objects read from them."""

from sync_worker.outbound.mongo.appointments import MongoAppointments
from sync_worker.outbound.mongo.connections import MongoConnections
from sync_worker.outbound.mongo.grants import MongoGrants, MongoShares
from sync_worker.outbound.mongo.indexes import make_indexes
from sync_worker.outbound.mongo.leases import MongoLeases
from sync_worker.outbound.mongo.measurements import MongoFleet, WatchedOutbox
from sync_worker.outbound.mongo.objects import MongoObjects
from sync_worker.outbound.mongo.passes import MongoPasses, forget_plain_homes
from sync_worker.outbound.mongo.refusals import MongoRefusals

__all__ = [
    "MongoAppointments",
    "MongoConnections",
    "MongoFleet",
    "MongoGrants",
    "MongoLeases",
    "MongoObjects",
    "MongoPasses",
    "MongoRefusals",
    "MongoShares",
    "WatchedOutbox",
    "forget_plain_homes",
    "make_indexes",
]
