"""docs/configuration.md, the Kubernetes manifests and docker-compose.yml name the variables that the settings have."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

import availability.settings
import connector.settings
import sync_worker.settings
from runtime.settings import Fragment
from sync_worker.domain.cadence import Bounds

ROOT = Path(__file__).parents[1]
SETTINGS: dict[str, type[Fragment]] = {
    "C": connector.settings.Settings,
    "W": sync_worker.settings.Settings,
    "A": availability.settings.Settings,
}
SERVICES = {"connector": "C", "sync-worker": "W", "availability": "A"}
REQUIRED = "\N{EN DASH}"
USUAL = timedelta(minutes=5)
DERIVED = {
    "interval / 5": Bounds.around(USUAL).shortest == USUAL / 5,
    "interval \N{MULTIPLICATION SIGN} 1.6": Bounds.around(USUAL).longest == USUAL * 1.6,
}
SECRETS = ("CALSYNC_KAFKA_SASL_PASSWORD", "CALSYNC_MONGODB_URL")


def _fields(settings: type[Fragment]) -> Iterator[tuple[str, FieldInfo]]:
    for field in settings.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Fragment):
            yield from _fields(field.annotation)
        else:
            yield str(field.validation_alias or field.alias), field


def _variables(settings: type[Fragment]) -> Iterator[str]:
    return (variable for variable, _ in _fields(settings))


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


def test_the_documentation_tells_every_default() -> None:
    told = _told_defaults()

    assert set(told.values()) >= set(DERIVED)
    for settings in SETTINGS.values():
        for variable, field in _fields(settings):
            assert _is(field, told[variable]), (variable, told[variable], field.default)


def _told_defaults() -> dict[str, str]:
    rows = [
        line.split("|") for line in (ROOT / "docs/configuration.md").read_text().splitlines() if "`CALSYNC_" in line
    ]
    told: dict[str, str] = {}
    for _, names, defaults, _, says, *_ in rows:
        variables = re.findall(r"CALSYNC_[A-Z_]+", names)
        # A row of two variables has the defaults of both, or one that is both's.
        parts = defaults.split(", ") if len(variables) > 1 and ", " in defaults else [defaults] * len(variables)
        below = re.search(r"default: `([^`]+)`", says)
        texts = [below[1] if below and part.strip() == "below" else part.strip().strip("`") for part in parts]
        told |= dict(zip(variables, texts, strict=True))
    return told


def _is(field: FieldInfo, told: str) -> bool:
    """Whether what is told, read as the setting itself is read, is what holds without it."""
    if told == REQUIRED or field.is_required():
        return told == REQUIRED and field.is_required()
    if told in {"none", "system"}:
        return field.default in (None, ())
    if told in DERIVED:
        return field.default is None and DERIVED[told]
    return bool(TypeAdapter(field.rebuild_annotation()).validate_python(told) == field.default)


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
    return (variable for variable, field in _fields(settings) if field.is_required())
