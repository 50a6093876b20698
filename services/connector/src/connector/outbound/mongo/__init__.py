"""MongoDB: connections, their claims on Apple accounts, and the announcements that wait beside them."""

from connector.outbound.mongo.connections import DATABASE, MongoConnections
from connector.outbound.mongo.outbox import MongoOutbox

__all__ = ["DATABASE", "MongoConnections", "MongoOutbox"]
