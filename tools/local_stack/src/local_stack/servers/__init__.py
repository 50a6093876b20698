"""A real MongoDB and a real Apache Kafka, each one process of this machine."""

from local_stack.servers.kafka import KafkaServer
from local_stack.servers.mongo import MongoServer

__all__ = ["KafkaServer", "MongoServer"]
