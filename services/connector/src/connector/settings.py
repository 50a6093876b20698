"""What the connector must be told."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, TypeAdapter, field_validator

from connector.domain.attempts import DEFAULT_LIMITS, Limit, Scope
from icloud.credentials import KeysUnusable, Sealer, Signer
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
from runtime.settings.icloud import ICloudSettings

_KEY_BYTES: Final = 32
"""256 bits; fewer are no key for AES-256."""


def _limits(text: object) -> object:
    """The default limits with those that `apple_id=5/PT15M, user=10/PT1H` names in their places."""
    if not isinstance(text, str):
        return text
    limits = dict(DEFAULT_LIMITS)
    for one in filter(str.strip, text.split(",")):
        scope, _, limit = one.partition("=")
        most, _, within = limit.partition("/")
        span = TypeAdapter(Duration).validate_python(within.strip())
        limits[Scope(scope.strip())] = Limit(int(most), span)
    return limits


def _networks(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


class VaultSettings(Fragment):
    """The keys to seal with and to sign with. They open nothing: the private keys for that are the workers' alone."""

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

    signing_key_file: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNING_KEY_FILE",
        description="a PEM file with an Ed25519 private key; signer id = file name",
    )

    @field_validator("signing_key_file")
    @classmethod
    def _holds_a_signing_key(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                Signer(file)
            except KeysUnusable as unusable:
                raise ValueError("no signing key") from unusable
        return file


class MemorySettings(Fragment):
    """The connector's own key: it encrypts the Apple ID of each connection, so that a reconnect asks for one field.

    It also makes the pseudonyms under which attempts are counted.
    """

    key_file: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_CONNECTOR_KEY_FILE",
        description="a file of 32 or more random bytes, the same for all replicas",
    )

    @field_validator("key_file")
    @classmethod
    def _holds_a_key(cls, file: Path | None) -> Path | None:
        if file is not None and (not file.is_file() or file.stat().st_size < _KEY_BYTES):
            raise ValueError("no key")
        return file


class AttemptSettings(Fragment):
    """How often credentials may be shown to Apple."""

    limits: Annotated[Mapping[Scope, Limit], BeforeValidator(_limits)] = Field(
        default=DEFAULT_LIMITS,
        validation_alias="CALSYNC_ATTEMPT_LIMITS",
        description="scope=most/duration, comma-separated; scopes: apple_id, user, network, account, everyone",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)] = Field(
        default=(),
        validation_alias="CALSYNC_TRUSTED_PROXIES",
        description="networks, comma-separated, such as 10.0.0.0/8: whose X-Forwarded-For is believed",
    )


class FreshnessSettings(Fragment):
    """When knowledge is old; to be told to availability alike."""

    stale_after: Duration = Field(
        # Six of the usual polls: one or two that fail are no news, half an hour without one is.
        default=timedelta(minutes=30),
        validation_alias="CALSYNC_STALE_AFTER",
        description="an ISO 8601 duration: from which age on the knowledge of a connection is stale",
    )


class PagesSettings(Fragment):
    """What the pages must know of the platform around them."""

    sign_in_url: str | None = Field(
        default=None,
        validation_alias="CALSYNC_SIGN_IN_URL",
        description="an https:// address (http:// for loopback only) where people sign in; "
        "its origin may begin sessions",
        pattern=r"^(https://[^\s/]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/\S*)?$",
    )


class AvailabilitySettings(Fragment):
    """Where the pages ask what lies ahead of their user."""

    url: str | None = Field(
        default=None,
        validation_alias="CALSYNC_AVAILABILITY_URL",
        description="availability's address: https://, or http:// to loopback or to a name within the cluster "
        "(availability, availability.calsync.svc): the user's token goes there",
        pattern=r"^(https://[^\s/@?#]+|http://(localhost|127\.0\.0\.1|\[::1\]|[a-z0-9-]+(\.[a-z0-9-]+\.svc(\.cluster\.local)?)?)"
        r"(:\d+)?)(/[^\s?#]*)?$",
    )


class Settings(Fragment):
    """Everything, from the environment."""

    kafka: KafkaSettings
    mongo: MongoSettings
    icloud: ICloudSettings
    vault: VaultSettings
    memory: MemorySettings
    attempts: AttemptSettings
    freshness: FreshnessSettings
    auth: AuthSettings
    http: HttpSettings
    pages: PagesSettings
    availability: AvailabilitySettings
    ops: OpsSettings
    log: LogSettings
    traces: TracesSettings
