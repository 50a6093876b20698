"""The worker's database `sync`: connections, and the calendar objects read from them."""

from sync_worker.outbound.mongo.connections import MongoConnections
from sync_worker.outbound.mongo.indexes import make_indexes
from sync_worker.outbound.mongo.leases import MongoLeases
from sync_worker.outbound.mongo.objects import MongoObjects
from sync_worker.outbound.mongo.passes import MongoPasses

__all__ = ["MongoConnections", "MongoLeases", "MongoObjects", "MongoPasses", "make_indexes"]
