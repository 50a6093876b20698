"""docs/configuration.md, the Kubernetes manifests and docker-compose.yml name the variables that the settings have."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import availability.settings
import connector.settings
import sync_worker.settings
from runtime.settings import Fragment

ROOT = Path(__file__).parents[1]
SETTINGS: dict[str, type[Fragment]] = {
    "C": connector.settings.Settings,
    "W": sync_worker.settings.Settings,
    "A": availability.settings.Settings,
}
SERVICES = {"connector": "C", "sync-worker": "W", "availability": "A"}
SECRETS = ("CALSYNC_KAFKA_SASL_PASSWORD", "CALSYNC_MONGODB_URL")


def _variables(settings: type[Fragment]) -> Iterator[str]:
    for field in settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Fragment):
            yield from _variables(field.annotation)
        else:
            yield str(field.validation_alias or field.alias)


def _documented() -> dict[str, set[str]]:
    rows = (
        line.split("|") for line in (ROOT / "docs/configuration.md").read_text().splitlines() if "`CALSYNC_" in line
    )
    return {name: set(row[3].split()) for row in rows for name in re.findall(r"CALSYNC_[A-Z_]+", row[1])}


def test_the_documentation_names_every_variable_and_who_reads_it() -> None:
    read: dict[str, set[str]] = {}
    for service, settings in SETTINGS.items():
        for variable in _variables(settings):
            read.setdefault(variable, set()).add(service)

    assert _documented() == read


@pytest.mark.parametrize("service", SERVICES)
def test_the_manifests_set_only_what_the_service_reads(service: str) -> None:
    known = set(_variables(SETTINGS[SERVICES[service]]))
    known |= {f"{secret}_FILE" for secret in SECRETS}
    documents = list(yaml.safe_load_all((ROOT / f"deploy/k8s/base/{service}.yaml").read_text()))
    deployment = next(d for d in documents if d["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]

    assert {entry["name"] for entry in container["env"]} <= known


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_worker_mounts_private_keys(service: str) -> None:
    manifest = (ROOT / f"deploy/k8s/base/{service}.yaml").read_text()
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]

    mounts_them = {"manifest": "vault-private" in manifest, "compose": "vault-private" in str(composed["volumes"])}

    assert mounts_them == dict.fromkeys(mounts_them, service == "sync-worker")


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_connector_mounts_what_it_signs_with_and_its_own_key(service: str) -> None:
    manifest = (ROOT / f"deploy/k8s/base/{service}.yaml").read_text()
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]

    mounts_them = {
        secret in text
        for secret, text in (
            ("secretName: calsync-vault-signing", manifest),
            ("secretName: calsync-connector}", manifest),
            ("vault-signing:", str(composed["volumes"])),
            ("connector-key:", str(composed["volumes"])),
        )
    }

    assert mounts_them == {service == "connector"}


def test_the_containers_are_told_only_what_some_service_reads() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    for service, letter in SERVICES.items():
        named = {name for name in composed[service]["environment"] if name.startswith("CALSYNC_")}
        told = {secret if (secret := name.removesuffix("_FILE")) in SECRETS else name for name in named}
        # One block of addresses serves all three.
        assert told <= set().union(*map(_variables, SETTINGS.values())), service
        assert set(_required(SETTINGS[letter])) <= told, service


def _required(settings: type[Fragment]) -> Iterator[str]:
    for field in settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Fragment):
            yield from _required(field.annotation)
        elif field.is_required():
            yield str(field.validation_alias or field.alias)
