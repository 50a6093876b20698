"""What our processes count. No label names a user, an account or a connection."""

from importlib.metadata import version
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

BUILD: Final = Gauge("calsync_build_info", "1; its labels tell what runs.", ["service", "version"])

CONSUMED: Final = Counter("calsync_kafka_consumed_total", "Records done, by topic.", ["group", "topic"])
DEAD: Final = Counter("calsync_kafka_dead_total", "Records sent to the dead letter topic.", ["group", "topic"])
LATER: Final = Counter("calsync_kafka_again_later_total", "Partitions held back to be tried again.", ["group", "topic"])
STOPPED: Final = Gauge("calsync_kafka_consumption_stopped", "1 while the breaker holds a topic.", ["group", "topic"])
POLL_AGE: Final = Gauge(
    "calsync_kafka_last_poll_age_seconds",
    "Since Kafka last answered the consumer, or the consumer last asked.",
    ["group"],
)
LAG: Final = Gauge(
    "calsync_kafka_consumer_lag_seconds",
    "Age of the oldest record that is in hand or held back; 0 when all that Kafka gave is done.",
    ["group", "topic"],
)
DELIVERY_SECONDS: Final = Histogram(
    "calsync_kafka_delivery_seconds",
    "From a record's timestamp until it is done, by record.",
    ["group", "topic"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
PUBLISHED: Final = Counter("calsync_kafka_published_total", "Records that Kafka has acknowledged.", ["topic"])
PUBLISH_FAILED: Final = Counter("calsync_kafka_publish_failures_total", "Publishes that Kafka did not acknowledge.")
PUBLISH_SECONDS: Final = Histogram(
    "calsync_kafka_publish_seconds", "From handing records over to their acknowledgement."
)

PENDING: Final = Gauge(
    "calsync_pending_events", "Events that are kept and not known to be on Kafka; 10,000 stands for more.", ["service"]
)
PENDING_OLDEST: Final = Gauge(
    "calsync_pending_oldest_seconds", "For how long the oldest of them has waited; 0 when none does.", ["service"]
)
STALE: Final = Counter(
    "calsync_stale_revisions_dropped_total", "News no newer than what was kept: repeats and latecomers.", ["news"]
)
UNMEASURED: Final = Counter(
    "calsync_measurements_failed_total",
    "Measurements that the store did not answer; their gauges are missing.",
    ["what"],
)

HTTP_SECONDS: Final = Histogram(
    "calsync_http_request_seconds", "Time of an HTTP request, by route pattern.", ["method", "route", "status"]
)


def tell_build(service: str, distribution: str) -> None:
    """Say which version of which service this process is."""
    BUILD.labels(service, version(distribution)).set(1)
