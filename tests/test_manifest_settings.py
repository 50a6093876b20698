"""What the manifests tell the services, held to the services' settings, both ways."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import availability.settings
import connector.settings
import sync_worker.settings
from icloud.credentials import new_key_pair, new_signing_pair
from manifests import OVERLAYS, SERVICES, environment, pod
from runtime.settings import Fragment, load

SETTINGS: dict[str, type[Fragment]] = {
    "connector": connector.settings.Settings,
    "sync-worker": sync_worker.settings.Settings,
    "availability": availability.settings.Settings,
}
LEFT_ALONE = {
    "CALSYNC_ATTEMPT_LIMITS": "Apple's patience is the same everywhere",
    "CALSYNC_HORIZON_FUTURE": "what the product promises",
    "CALSYNC_HORIZON_PAST": "what the product promises",
    "CALSYNC_HTTP_HOST": "the pod's own address",
    "CALSYNC_HTTP_PORT": "the port that the manifests name",
    "CALSYNC_ICLOUD_CA_FILE": "Apple's certificates are the world's",
    "CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE": "Apple's patience is the same everywhere",
    "CALSYNC_KAFKA_PUBLISH_TIMEOUT": "fits the 25 s of a stop",
    "CALSYNC_LEASE": "MongoDB's transactionLifetimeLimitSeconds is set to it",
    "CALSYNC_LOG_FORMAT": "for machines",
    "CALSYNC_MEMORY_MIB": "fits the memory limit",
    "CALSYNC_MONGODB_TIMEOUT": "fits the probes' patience with a failover",
    "CALSYNC_OPS_HOST": "the pod's own address",
    "CALSYNC_OPS_PORT": "the port that the manifests name",
    "CALSYNC_POLL_MAX": "follows from the interval",
    "CALSYNC_POLL_MIN": "follows from the interval",
    "CALSYNC_TRACES_RATIO": "no traces without an address",
    "CALSYNC_TRACES_URL": "no traces where nobody collects them",
}
"""Settings that no overlay sets, and why their defaults are right."""


def _variables(settings: type[Fragment]) -> Iterator[tuple[str, bool]]:
    """Each variable, and whether it holds a secret and so has a `_FILE` twin."""
    for field in settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Fragment):
            yield from _variables(field.annotation)
        else:
            yield str(field.validation_alias or field.alias), "SecretStr" in str(field.annotation)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_service_is_told_only_what_it_reads(overlay: str, service: str) -> None:
    read = {f"{name}_FILE" if secret else name for name, secret in _variables(SETTINGS[service])}

    assert environment(overlay, service).keys() <= read


def test_every_setting_is_set_somewhere_or_left_alone_for_a_reason() -> None:
    told = {name for overlay in OVERLAYS for service in SERVICES for name in environment(overlay, service)}
    there = {f"{name}_FILE" if secret else name for each in SETTINGS.values() for name, secret in _variables(each)}

    assert there - told == LEFT_ALONE.keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_services_are_told_starts_them(overlay: str, tmp_path: Path) -> None:
    pair, signing = new_key_pair(tmp_path / "keys"), new_signing_pair(tmp_path / "keys")
    text = tmp_path / "text"
    text.write_text("mongodb://somewhere/?padding=to-32-bytes")
    files = {
        "CALSYNC_VAULT_PUBLIC_KEY_FILE": pair.public_key_file,
        "CALSYNC_VAULT_PRIVATE_KEYS_DIR": pair.private_keys_dir,
        "CALSYNC_VAULT_SIGNING_KEY_FILE": signing.signing_key_file,
        "CALSYNC_VAULT_SIGNERS_DIR": signing.signers_dir,
    }

    for service in SERVICES:
        told = {
            name: str(files.get(name, text)) if value.startswith("/run/") else value
            for name, value in environment(overlay, service).items()
        }
        load(SETTINGS[service], told)  # raises, naming every mistake


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_a_service_is_told_to_open_is_mounted(overlay: str, service: str) -> None:
    mounts = [mount["mountPath"] for mount in pod(overlay, service).main["volumeMounts"]]

    for name, value in environment(overlay, service).items():
        if value.startswith("/run/"):
            assert any(f"{value}/".startswith(f"{mount}/") for mount in mounts), name
