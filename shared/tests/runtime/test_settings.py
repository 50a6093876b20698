from datetime import timedelta
from pathlib import Path

import pytest
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
    SettingsInvalid,
    load,
)
from runtime.settings.icloud import ICloudSettings


class SyncSettings(Fragment):
    poll_interval: Duration = Field(
        default=timedelta(minutes=5), validation_alias="CALSYNC_POLL_INTERVAL", description="an ISO 8601 duration"
    )


class Settings(Fragment):
    kafka: KafkaSettings
    mongo: MongoSettings
    ops: OpsSettings
    http: HttpSettings
    auth: AuthSettings
    log: LogSettings
    icloud: ICloudSettings
    sync: SyncSettings


LEAST = {
    "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "one:9092, two:9092",
    "CALSYNC_MONGODB_URL": "mongodb://user:canary@localhost/",
    "CALSYNC_AUTH_ISSUER": "https://id.example",
    "CALSYNC_AUTH_AUDIENCE": "calendar",
    "CALSYNC_AUTH_JWKS": "https://id.example/keys",
}


def mistakes(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as invalid:
        load(Settings, environ)
    return invalid.value.mistakes


def test_what_is_not_said_has_its_documented_default() -> None:
    settings = load(Settings, LEAST)

    assert settings.kafka.bootstrap_servers == ("one:9092", "two:9092")
    assert (settings.http.port, settings.ops.port) == (8080, 9090)
    assert settings.icloud.trusted_hosts == ("icloud.com", "icloud.com.cn")
    assert settings.icloud.url == "https://caldav.icloud.com/"
    assert settings.sync.poll_interval == timedelta(minutes=5)
    assert (settings.log.level, settings.log.format) == ("INFO", "json")


def test_an_empty_variable_counts_as_unset() -> None:
    settings = load(Settings, LEAST | {"CALSYNC_HTTP_PORT": "", "CALSYNC_KAFKA_SASL_PASSWORD": ""})

    assert settings.http.port == 8080
    assert settings.kafka.sasl_password is None


def test_every_mistake_is_told_at_once_with_what_is_expected() -> None:
    wrong = {
        "CALSYNC_MONGODB_URL": "postgres://canary",
        "CALSYNC_HTTP_PORT": "eighty-canary",
        "CALSYNC_POLL_INTERVAL": "300",
        "CALSYNC_LOG_LEVEL": "canary",
        "CALSYNC_AUTH_JWKS": "http://canary.example/keys",
    }

    told = mistakes(wrong)

    assert [mistake.partition(":")[0] for mistake in told] == [
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS",
        "CALSYNC_MONGODB_URL",
        "CALSYNC_HTTP_PORT",
        "CALSYNC_AUTH_ISSUER",
        "CALSYNC_AUTH_AUDIENCE",
        "CALSYNC_AUTH_JWKS",
        "CALSYNC_LOG_LEVEL",
        "CALSYNC_POLL_INTERVAL",
    ]
    assert "CALSYNC_AUTH_ISSUER: missing, expected the `iss` of the platform's tokens" in told
    assert "CALSYNC_LOG_LEVEL: expected DEBUG, INFO, WARNING or ERROR" in told


def test_no_mistake_prints_a_value() -> None:
    with pytest.raises(SettingsInvalid) as invalid:
        load(Settings, dict.fromkeys([*LEAST, "CALSYNC_HTTP_PORT", "CALSYNC_POLL_INTERVAL"], "canary"))

    assert "canary" not in str(invalid.value)
    assert "canary" not in repr(load(Settings, LEAST))
    assert invalid.value.__cause__ is None


@pytest.mark.parametrize("value", ["300", "5 minutes", "00:05:00", "-PT5M", "PT0S", "P"])
def test_a_duration_is_iso_8601_and_longer_than_nothing(value: str) -> None:
    assert mistakes(LEAST | {"CALSYNC_POLL_INTERVAL": value}) == (
        "CALSYNC_POLL_INTERVAL: expected an ISO 8601 duration",
    )


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("mongodb://from-a-file/\n")
    environ = {name: value for name, value in LEAST.items() if name != "CALSYNC_MONGODB_URL"}

    settings = load(Settings, environ | {"CALSYNC_MONGODB_URL_FILE": str(file)})

    assert settings.mongo.url.get_secret_value() == "mongodb://from-a-file/"


def test_a_secret_comes_from_one_place(tmp_path: Path) -> None:
    assert mistakes(LEAST | {"CALSYNC_MONGODB_URL_FILE": str(tmp_path)}) == (
        "CALSYNC_MONGODB_URL: set it or CALSYNC_MONGODB_URL_FILE, not both",
    )


def test_a_file_that_cannot_be_read_is_named_and_the_secret_is_not_told_missing_too(tmp_path: Path) -> None:
    environ = {name: value for name, value in LEAST.items() if name != "CALSYNC_MONGODB_URL"}

    assert mistakes(environ | {"CALSYNC_MONGODB_URL_FILE": str(tmp_path / "none")}) == (
        "CALSYNC_MONGODB_URL_FILE: expected a readable text file",
    )


def test_sasl_needs_user_and_password() -> None:
    (told,) = mistakes(LEAST | {"CALSYNC_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})

    assert told == "CALSYNC_KAFKA_SASL_USERNAME, CALSYNC_KAFKA_SASL_PASSWORD: both are needed where SASL is used"


def test_settings_cannot_be_changed() -> None:
    settings = load(Settings, LEAST)

    with pytest.raises(ValueError, match="frozen"):
        settings.http.port = 1
