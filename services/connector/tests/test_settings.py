from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.attempts import DEFAULT_LIMITS, Limit, Scope
from connector.settings import Settings
from icloud.credentials import KeyPair, new_signing_pair
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
    assert settings.vault.signing_key_file is None
    assert (settings.attempts.limits, settings.attempts.trusted_proxies) == (DEFAULT_LIMITS, ())


def test_limits_that_are_left_out_keep_their_defaults(keys: KeyPair) -> None:
    told = {
        "CALSYNC_ATTEMPT_LIMITS": "user=7/PT2H, everyone = 9000 / P1D",
        "CALSYNC_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32",
    }

    attempts = load(Settings, environment(keys) | told).attempts

    changed = {Scope.USER: Limit(7, timedelta(hours=2)), Scope.EVERYONE: Limit(9000, timedelta(days=1))}
    assert attempts.limits == {**DEFAULT_LIMITS, **changed}
    assert [str(network) for network in attempts.trusted_proxies] == ["10.0.0.0/8", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(
            ("CALSYNC_ATTEMPT_LIMITS", value)
            for value in ("user", "user=0/PT1H", "user=5", "user=5/1h", "user=5/PT0.1S", "nobody=5/PT1H", "user=x/PT1H")
        ),
        *(("CALSYNC_TRUSTED_PROXIES", value) for value in ("proxy", "10.0.0.1/8", "10.0.0.0/99")),
    ],
)
def test_limits_and_proxies_that_make_no_sense_are_told_without_their_values(
    keys: KeyPair, variable: str, value: str
) -> None:
    with pytest.raises(SettingsInvalid) as told:
        load(Settings, environment(keys) | {variable: value})

    assert [mistake.partition(":")[0] for mistake in told.value.mistakes] == [variable]
    assert f" {value}" not in told.value.mistakes[0].removesuffix("apple_id, user, network, account, everyone")


def test_a_key_that_opens_credentials_is_no_key_to_sign_with(keys: KeyPair, tmp_path: Path) -> None:
    pair = new_signing_pair(tmp_path)
    [opens] = keys.private_keys_dir.iterdir()
    right = environment(keys) | {"CALSYNC_VAULT_SIGNING_KEY_FILE": str(pair.signing_key_file)}

    assert load(Settings, right).vault.signing_key_file == pair.signing_key_file
    for wrong in (opens, keys.public_key_file, tmp_path / "nothing"):
        with pytest.raises(SettingsInvalid) as told:
            load(Settings, right | {"CALSYNC_VAULT_SIGNING_KEY_FILE": str(wrong)})
        assert [mistake.partition(":")[0] for mistake in told.value.mistakes] == ["CALSYNC_VAULT_SIGNING_KEY_FILE"]


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


@pytest.mark.parametrize(
    "url",
    [
        "https://availability.example",
        "https://example.com:8443/availability/",
        "http://127.0.0.1:18081",
        "http://availability:8080",
        "http://availability.calsync.svc:8080",
        "http://availability.calsync.svc.cluster.local",
    ],
)
def test_the_users_token_goes_over_tls_or_stays_at_home(keys: KeyPair, url: str) -> None:
    assert load(Settings, environment(keys) | {"CALSYNC_AVAILABILITY_URL": url}).availability.url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://availability.example",
        "http://user:pass@availability:8080",
        "https://user@availability.example",
        "http://availability.svc.evil.test",
        "http://10.0.0.1",
        "ftp://availability",
        "availability:8080",
        "https://availability.example/?to=them",
    ],
)
def test_an_address_that_the_token_must_not_go_to_is_refused(keys: KeyPair, url: str) -> None:
    with pytest.raises(SettingsInvalid, match="CALSYNC_AVAILABILITY_URL") as told:
        load(Settings, environment(keys) | {"CALSYNC_AVAILABILITY_URL": url})

    assert url not in str(told.value)


def test_without_an_address_availability_is_not_asked(keys: KeyPair) -> None:
    assert load(Settings, environment(keys)).availability.url is None
