"""What the sync-worker must be told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from icloud.credentials import KeysUnusable, Opener, Signers
from runtime.settings import (
    Duration,
    Fragment,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
    TracesSettings,
)
from runtime.settings.fragments import RULE
from runtime.settings.icloud import ICloudSettings
from sync_worker.domain.allowance import PER_ACCOUNT_PER_MINUTE, PER_SECOND
from sync_worker.domain.cadence import Bounds

_LEAST_LEASE = timedelta(seconds=3)
_LONGEST_HORIZON = timedelta(days=1100)
"""Three years: beyond it, one endless daily series would be more than an object may hold."""


class VaultSettings(Fragment):
    """The keys to open with, and those of who may write."""

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

    signers_dir: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNERS_DIR",
        description="a directory with one or more Ed25519 public keys in PEM; signer id = file name",
    )

    @field_validator("signers_dir")
    @classmethod
    def _holds_public_keys(cls, directory: Path | None) -> Path | None:
        if directory is not None:
            try:
                Signers(directory)
            except KeysUnusable as unusable:
                raise ValueError("no public keys") from unusable
        return directory


class SyncSettings(Fragment):
    """How often, how far, how many at once."""

    poll_interval: Duration = Field(
        default=timedelta(minutes=5),
        validation_alias="CALSYNC_POLL_INTERVAL",
        description="an ISO 8601 duration: the usual time between two looks at an account",
    )
    poll_min: Duration | None = Field(
        default=None,
        validation_alias="CALSYNC_POLL_MIN",
        description="an ISO 8601 duration: between two looks at an account where much is going on",
    )
    poll_max: Duration | None = Field(
        default=None,
        validation_alias="CALSYNC_POLL_MAX",
        description="an ISO 8601 duration: between two looks at an account where nothing is going on",
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
    memory_mib: int = Field(
        default=200,
        validation_alias="CALSYNC_MEMORY_MIB",
        description="a number from 64 to 65536: MiB past which a worker reads fewer accounts at once",
        ge=64,
        le=65_536,
    )

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        try:
            _ = self.bounds
        except ValueError:
            raise PydanticCustomError(
                RULE,
                "CALSYNC_POLL_MIN, CALSYNC_POLL_INTERVAL, CALSYNC_POLL_MAX: none may be longer than the next one",
            ) from None

    @property
    def bounds(self) -> Bounds:
        """Between two looks at an account. ValueError where they are not in order."""
        return Bounds.around(self.poll_interval, self.poll_min, self.poll_max)

    @property
    def memory_bytes(self) -> int:
        """Past which a worker reads fewer accounts at once."""
        return self.memory_mib * 2**20


class BudgetSettings(Fragment):
    """How much is asked of Apple at most."""

    per_second: int = Field(
        default=PER_SECOND,
        validation_alias="CALSYNC_ICLOUD_REQUESTS_PER_SECOND",
        description="a number from 1 to 10000: requests to iCloud a second, all workers together",
        ge=1,
        le=10_000,
    )
    per_account_per_minute: int = Field(
        default=PER_ACCOUNT_PER_MINUTE,
        validation_alias="CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE",
        description="a number from 1 to 10000: requests to iCloud a minute for one Apple account",
        ge=1,
        le=10_000,
    )


class Settings(Fragment):
    """Everything, from the environment."""

    kafka: KafkaSettings
    mongo: MongoSettings
    icloud: ICloudSettings
    vault: VaultSettings
    sync: SyncSettings
    budget: BudgetSettings
    ops: OpsSettings
    log: LogSettings
    traces: TracesSettings
