"""What our processes count. No label names a user, an account or a connection."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CONSUMED: Final = Counter("calsync_kafka_consumed_total", "Records done, by topic.", ["group", "topic"])
DEAD: Final = Counter("calsync_kafka_dead_total", "Records sent to the dead letter topic.", ["group", "topic"])
LATER: Final = Counter("calsync_kafka_again_later_total", "Partitions held back to be tried again.", ["group", "topic"])
STOPPED: Final = Gauge("calsync_kafka_consumption_stopped", "1 while the breaker holds a topic.", ["group", "topic"])
POLL_AGE: Final = Gauge("calsync_kafka_last_poll_age_seconds", "Since the consumer last asked Kafka.", ["group"])
PUBLISHED: Final = Counter("calsync_kafka_published_total", "Records that Kafka has acknowledged.", ["topic"])
PUBLISH_FAILED: Final = Counter("calsync_kafka_publish_failures_total", "Publishes that Kafka did not acknowledge.")
PUBLISH_SECONDS: Final = Histogram(
    "calsync_kafka_publish_seconds", "From handing records over to their acknowledgement."
)
HTTP_SECONDS: Final = Histogram(
    "calsync_http_request_seconds", "Time of an HTTP request, by route pattern.", ["method", "route", "status"]
)
