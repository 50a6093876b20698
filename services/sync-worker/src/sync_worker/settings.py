"""What the sync-worker must be told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from icloud.credentials import KeysUnusable, Opener
from runtime.settings import (
    Duration,
    Fragment,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
)
from runtime.settings.icloud import ICloudSettings

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
    icloud: ICloudSettings
    vault: VaultSettings
    sync: SyncSettings
    ops: OpsSettings
    log: LogSettings
