"""What our services have in common to set; the validation alias of a field is its environment variable."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FilePath, SecretStr, field_validator
from pydantic_core import PydanticCustomError

RULE: Final = "settings_rule"
"""The type of errors whose message we wrote ourselves: it names the variables and holds no value."""
_SAFE_URL: Final = re.compile(r"https://.|http://(localhost|127\.0\.0\.1|\[::1\])[:/]")


def _iso_duration(value: object) -> object:
    """Keep out pydantic's other spellings of a duration, bare numbers above all."""
    if isinstance(value, str) and not value.startswith("P"):
        raise ValueError("not ISO 8601")
    return value


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_iso_duration), Field(gt=timedelta(0))]
"""A length of time, written in ISO 8601 (`PT5M`, `P400D`), longer than nothing."""
CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_comma_separated), Field(min_length=1)]
"""At least one word, separated by commas."""
Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose."""


class Fragment(BaseModel):
    """Frozen settings; each leaf's validation alias is the name of its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class KafkaSettings(Fragment):
    """How to reach Kafka."""

    bootstrap_servers: CommaSeparated = Field(
        validation_alias="CALSYNC_KAFKA_BOOTSTRAP_SERVERS",
        description="host:port of one or more Kafka servers, comma-separated",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT",
        validation_alias="CALSYNC_KAFKA_SECURITY_PROTOCOL",
        description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512",
        validation_alias="CALSYNC_KAFKA_SASL_MECHANISM",
        description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    )
    sasl_username: str | None = Field(
        default=None, validation_alias="CALSYNC_KAFKA_SASL_USERNAME", description="the user name, where SASL is used"
    )
    sasl_password: SecretStr | None = Field(
        default=None, validation_alias="CALSYNC_KAFKA_SASL_PASSWORD", description="the password, where SASL is used"
    )
    ca_file: FilePath | None = Field(
        default=None,
        validation_alias="CALSYNC_KAFKA_CA_FILE",
        description="a PEM file with the authority of Kafka's certificates",
    )
    publish_timeout: Duration = Field(
        default=timedelta(seconds=30),
        validation_alias="CALSYNC_KAFKA_PUBLISH_TIMEOUT",
        description="an ISO 8601 duration: how long a publish may wait for Kafka's acknowledgement",
    )

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise PydanticCustomError(
                RULE, "CALSYNC_KAFKA_SASL_USERNAME, CALSYNC_KAFKA_SASL_PASSWORD: both are needed where SASL is used"
            )


class MongoSettings(Fragment):
    """How to reach MongoDB. The address may hold a password, so it is a secret."""

    url: SecretStr = Field(
        validation_alias="CALSYNC_MONGODB_URL", description="a connection string, mongodb://… or mongodb+srv://…"
    )
    timeout: Duration = Field(
        default=timedelta(seconds=10),
        validation_alias="CALSYNC_MONGODB_TIMEOUT",
        description="an ISO 8601 duration: how long one operation may take, retries included",
    )

    @field_validator("url")
    @classmethod
    def _is_mongodb(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("another scheme")
        return url


class OpsSettings(Fragment):
    """The port of liveness, readiness and metrics."""

    host: str = Field(default="0.0.0.0", validation_alias="CALSYNC_OPS_HOST", description="an address to listen on")  # noqa: S104 - the orchestrator probes from outside
    port: Port = Field(default=9090, validation_alias="CALSYNC_OPS_PORT", description="a port number")


class HttpSettings(Fragment):
    """Where the HTTP interface listens."""

    host: str = Field(default="0.0.0.0", validation_alias="CALSYNC_HTTP_HOST", description="an address to listen on")  # noqa: S104 - behind an ingress
    port: Port = Field(default=8080, validation_alias="CALSYNC_HTTP_PORT", description="a port number")


class AuthSettings(Fragment):
    """Whose tokens are believed."""

    issuer: str = Field(
        validation_alias="CALSYNC_AUTH_ISSUER", description="the `iss` of the platform's tokens", min_length=1
    )
    audience: str = Field(
        validation_alias="CALSYNC_AUTH_AUDIENCE", description="the `aud` of the platform's tokens", min_length=1
    )
    jwks: str = Field(
        validation_alias="CALSYNC_AUTH_JWKS",
        description="an https:// address (http:// for loopback only) or a file with the platform's public keys",
        min_length=1,
    )

    @field_validator("jwks")
    @classmethod
    def _is_safe_or_a_file(cls, jwks: str) -> str:
        # Whoever can change an answer on the way could sign tokens.
        if not _SAFE_URL.match(jwks) and not Path(jwks).is_file():
            raise ValueError("neither")
        return jwks


class LogSettings(Fragment):
    """What is logged, and how it looks."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="CALSYNC_LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR"
    )
    format: Literal["json", "console"] = Field(
        default="json", validation_alias="CALSYNC_LOG_FORMAT", description="json for machines, console for people"
    )


class TracesSettings(Fragment):
    """Where traces go, if anywhere, and how many of them."""

    url: str | None = Field(
        default=None,
        validation_alias="CALSYNC_TRACES_URL",
        description="the http:// or https:// address that takes OTLP traces over HTTP, such as "
        "http://collector:4318/v1/traces",
        pattern=r"^https?://[^\s/@?#]+/[^\s?#]*$",
    )
    ratio: float = Field(
        # One request or pass in a hundred: enough to see where time goes, and no load to speak of.
        default=0.01,
        validation_alias="CALSYNC_TRACES_RATIO",
        description="a number from 0 to 1: the share of traces that are told",
        ge=0,
        le=1,
    )
