from pathlib import Path

import pytest

from connector.settings import Settings
from icloud.credentials import KeyPair
from runtime.settings import SettingsInvalid, load


def environment(keys: KeyPair) -> dict[str, str]:
    return {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "CALSYNC_MONGODB_URL": "mongodb://u:s3cret@mongo/",
        "CALSYNC_AUTH_ISSUER": "https://platform.test",
        "CALSYNC_AUTH_AUDIENCE": "calsync",
        "CALSYNC_AUTH_JWKS": "https://platform.test/jwks",
        "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(keys.public_key_file),
    }


def test_the_rest_has_defaults(keys: KeyPair) -> None:
    settings = load(Settings, environment(keys))

    assert settings.icloud.url == "https://caldav.icloud.com/"
    assert settings.http.port == 8080
    assert settings.vault.public_key_file == keys.public_key_file
    assert settings.memory.key_file is None


@pytest.mark.parametrize("content", [None, bytes(31)])
def test_a_key_has_at_least_256_bits(keys: KeyPair, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "connector.key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsInvalid) as told:
        load(Settings, environment(keys) | {"CALSYNC_CONNECTOR_KEY_FILE": str(file)})

    assert [mistake.partition(":")[0] for mistake in told.value.mistakes] == ["CALSYNC_CONNECTOR_KEY_FILE"]


def test_a_private_key_is_no_public_key(keys: KeyPair) -> None:
    [private] = keys.private_keys_dir.iterdir()

    with pytest.raises(SettingsInvalid) as told:
        load(Settings, environment(keys) | {"CALSYNC_VAULT_PUBLIC_KEY_FILE": str(private)})

    assert [mistake.partition(":")[0] for mistake in told.value.mistakes] == ["CALSYNC_VAULT_PUBLIC_KEY_FILE"]


def test_every_mistake_is_told_at_once_and_no_value_with_it(keys: KeyPair, tmp_path: Path) -> None:
    wrong = {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "",
        "CALSYNC_HTTP_PORT": "eighty",
        "CALSYNC_ICLOUD_URL": "https://evil.example/",
        "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(tmp_path / "nothing"),
    }

    with pytest.raises(SettingsInvalid) as told:
        load(Settings, environment(keys) | wrong)

    assert {mistake.partition(":")[0] for mistake in told.value.mistakes} == {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS",
        "CALSYNC_HTTP_PORT",
        "CALSYNC_ICLOUD_URL, CALSYNC_ICLOUD_TRUSTED_HOSTS",
        "CALSYNC_VAULT_PUBLIC_KEY_FILE",
    }
    assert not any(value in str(told.value) for value in (*wrong.values(), "s3cret") if value)
