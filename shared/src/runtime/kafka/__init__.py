"""Kafka for our processes: records published for good, and consumed with one of three fates."""

from runtime.kafka.consumers import Broker, broker, subscribe
from runtime.kafka.delivery import Delivery, Handler, Subscription, TryLater
from runtime.kafka.publisher import Publisher, PublishFailed, RecordTooLarge

__all__ = [
    "Broker",
    "Delivery",
    "Handler",
    "PublishFailed",
    "Publisher",
    "RecordTooLarge",
    "Subscription",
    "TryLater",
    "broker",
    "subscribe",
]
