"""What the connector must be told."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, field_validator

from icloud.credentials import KeysUnusable, Sealer
from runtime.settings import (
    AuthSettings,
    Duration,
    Fragment,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
)
from runtime.settings.icloud import ICloudSettings


class VaultSettings(Fragment):
    """The key to seal with. It opens nothing: the private keys are the workers' alone."""

    public_key_file: Path = Field(
        validation_alias="CALSYNC_VAULT_PUBLIC_KEY_FILE",
        description="a PEM file with an X25519 public key; key id = file name",
    )

    @field_validator("public_key_file")
    @classmethod
    def _holds_a_public_key(cls, file: Path) -> Path:
        try:
            Sealer(file)
        except KeysUnusable as unusable:
            raise ValueError("no public key") from unusable
        return file


class FreshnessSettings(Fragment):
    """When knowledge is old; to be told to availability alike."""

    stale_after: Duration = Field(
        # Six of the usual polls: one or two that fail are no news, half an hour without one is.
        default=timedelta(minutes=30),
        validation_alias="CALSYNC_STALE_AFTER",
        description="an ISO 8601 duration: from which age on the knowledge of a connection is stale",
    )


class Settings(Fragment):
    """Everything, from the environment."""

    kafka: KafkaSettings
    mongo: MongoSettings
    icloud: ICloudSettings
    vault: VaultSettings
    freshness: FreshnessSettings
    auth: AuthSettings
    http: HttpSettings
    ops: OpsSettings
    log: LogSettings
