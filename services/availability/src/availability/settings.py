"""What availability reads from the environment."""

from datetime import timedelta

from pydantic import Field

from runtime.settings import (
    AuthSettings,
    Duration,
    Fragment,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
    TracesSettings,
)


class FreshnessSettings(Fragment):
    """When knowledge is old."""

    stale_after: Duration = Field(
        # Six of the usual polls: one or two that fail are no news, half an hour without one is.
        default=timedelta(minutes=30),
        validation_alias="CALSYNC_STALE_AFTER",
        description="an ISO 8601 duration: from which age on the knowledge of a calendar is stale",
    )


class Settings(Fragment):
    """All settings of the service."""

    kafka: KafkaSettings
    mongo: MongoSettings
    http: HttpSettings
    ops: OpsSettings
    auth: AuthSettings
    log: LogSettings
    traces: TracesSettings
    freshness: FreshnessSettings
