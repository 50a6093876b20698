"""What the sync-worker must be told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from icloud import Endpoint
from icloud.credentials import KeysUnusable, Opener
from runtime.settings import (
    Duration,
    Fragment,
    ICloudSettings,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
)

_LEAST_LEASE = timedelta(seconds=3)
_LONGEST_HORIZON = timedelta(days=1100)
"""Three years: beyond it, one endless daily series would be more than an object may hold."""


class VaultSettings(Fragment):
    """The keys to open with."""

    private_keys_dir: Path = Field(
        validation_alias="CALSYNC_VAULT_PRIVATE_KEYS_DIR",
        description="a directory with one or more X25519 private keys in PEM; key id = file name",
    )

    @field_validator("private_keys_dir")
    @classmethod
    def _holds_private_keys(cls, directory: Path) -> Path:
        try:
            Opener(directory)
        except KeysUnusable as unusable:
            raise ValueError("no private keys") from unusable
        return directory


class AppleSettings(ICloudSettings):
    """iCloud's address, which must itself be one that credentials may go to."""

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        try:
            self.endpoint()
        except ValueError:
            raise PydanticCustomError(
                "settings_rule",
                "CALSYNC_ICLOUD_URL, CALSYNC_ICLOUD_TRUSTED_HOSTS: expected an https:// address on one of the trusted "
                "hosts, which are suffixes of host names, or loopback hosts",
            ) from None

    def endpoint(self) -> Endpoint:
        """Where discovery begins. ValueError where credentials may not go."""
        return Endpoint(self.url, self.trusted_hosts, self.ca_file)


class SyncSettings(Fragment):
    """How often, how far, how many at once."""

    poll_interval: Duration = Field(
        default=timedelta(minutes=5),
        validation_alias="CALSYNC_POLL_INTERVAL",
        description="an ISO 8601 duration: the time between two looks at an account (±20 %)",
    )
    horizon_past: Annotated[Duration, Field(le=_LONGEST_HORIZON)] = Field(
        default=timedelta(days=1),
        validation_alias="CALSYNC_HORIZON_PAST",
        description="an ISO 8601 duration: how far back events are imported",
    )
    horizon_future: Annotated[Duration, Field(le=_LONGEST_HORIZON)] = Field(
        default=timedelta(days=400),
        validation_alias="CALSYNC_HORIZON_FUTURE",
        description="an ISO 8601 duration of at most three years: how far ahead events are imported",
    )
    lease: Annotated[Duration, Field(ge=_LEAST_LEASE)] = Field(
        default=timedelta(seconds=15),
        validation_alias="CALSYNC_LEASE",
        description="an ISO 8601 duration of at least PT3S: after how long a dead worker's accounts go to others",
    )
    at_once: int = Field(
        default=200,
        validation_alias="CALSYNC_PASSES_AT_ONCE",
        description="a number from 1 to 2000: accounts read at once",
        ge=1,
        le=2000,
    )


class Settings(Fragment):
    """Everything, from the environment."""

    kafka: KafkaSettings
    mongo: MongoSettings
    icloud: AppleSettings
    vault: VaultSettings
    sync: SyncSettings
    ops: OpsSettings
    log: LogSettings
