"""MongoDB: connections, their claims on Apple accounts, the announcements that wait beside them, and attempts."""

from connector.outbound.mongo.attempts import MongoAttempts
from connector.outbound.mongo.connections import DATABASE, MongoConnections
from connector.outbound.mongo.outbox import MongoOutbox

__all__ = ["DATABASE", "MongoAttempts", "MongoConnections", "MongoOutbox"]
