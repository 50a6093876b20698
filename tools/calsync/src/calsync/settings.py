"""What commands must be told; each is told only what it uses. Variables are the services' own where they have one."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from runtime.settings import Fragment, KafkaSettings, MongoSettings
from runtime.settings.fragments import RULE

_URL: Final = re.compile(r"https?://[^\s/?#@]+/?")
_TOKEN: Final = re.compile(r"[\w.~+/-]+=*", re.ASCII)
"""What a bearer token may look like (RFC 6750, section 2.1): no spaces, and no line breaks inside."""


def _origin(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("no address of a service")
    return url.rstrip("/")


Origin = Annotated[str, AfterValidator(_origin)]
"""Scheme, host and port of a service."""


class Store(Fragment):
    """For what looks into MongoDB."""

    mongo: MongoSettings


class Log(Fragment):
    """For what looks into Kafka."""

    kafka: KafkaSettings


class StoreAndLog(Store):
    """For what looks into both."""

    kafka: KafkaSettings


class TokenSettings(Fragment):
    """Who we are to the services."""

    token: SecretStr = Field(
        validation_alias="CALSYNC_ADMIN_TOKEN",
        description="a token of the platform for a service of the CrocoClick account that it is about "
        "(CALSYNC_ADMIN_TOKEN_FILE: the file that holds it)",
        min_length=1,
    )

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, token: SecretStr) -> SecretStr:
        said = token.get_secret_value().strip()
        if not _TOKEN.fullmatch(said):
            raise PydanticCustomError(
                RULE,
                "CALSYNC_ADMIN_TOKEN: the token is no token: something is in it that none has, such as a line break",
            )
        return SecretStr(said)


class ConnectorSettings(Fragment):
    """Where the connector is."""

    url: Origin = Field(
        validation_alias="CALSYNC_CONNECTOR_URL", description="the connector's address, http(s)://host:port"
    )


class AvailabilitySettings(Fragment):
    """Where availability is."""

    url: Origin = Field(
        validation_alias="CALSYNC_AVAILABILITY_URL", description="availability's address, http(s)://host:port"
    )


class Connector(Fragment):
    """For what the connector is asked."""

    connector: ConnectorSettings
    caller: TokenSettings


class ConnectorAndStore(Connector):
    """For what the connector is asked and MongoDB tells."""

    mongo: MongoSettings


class Availability(Fragment):
    """For what availability is asked."""

    availability: AvailabilitySettings
    caller: TokenSettings
