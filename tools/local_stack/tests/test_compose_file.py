"""What docker-compose.yml and the Dockerfile promise, read from the files alone."""

import ast
import json
import re
import sys
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
VOLUMES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["volumes"]
OURS = [name for name, one in SERVICES.items() if str(one["image"]).startswith("calsync/")]
# Each secret, and all who may see it. The jobs make them, or set MongoDB to go by them.
SECRETS = {
    "vault-private": {"secrets", "sync-worker", "sync-worker-icloud", "keys"},
    "vault-signing": {"secrets", "connector", "connector-icloud"},
    "vault-tool": {"secrets", "keys"},
    "connector-key": {"secrets", "connector", "connector-icloud"},
    "platform": {"secrets", "token"},
    "mongodb-admin": {"secrets", "mongodb-users"},
    "mongodb-key": {"mongodb-keyfile", "mongodb"},
    "mongodb-connector": {"secrets", "mongodb-users", "connector", "connector-icloud"},
    "mongodb-sync-worker": {"secrets", "mongodb-users", "sync-worker", "sync-worker-icloud"},
    "mongodb-availability": {"secrets", "mongodb-users", "availability"},
    "mongodb-keys": {"secrets", "mongodb-users", "keys"},
    "mongodb-calsync-admin": {"secrets", "mongodb-users", "admin"},
    "mongodb-calsync-bootstrap": {"secrets", "mongodb-users", "bootstrap"},
}


def _volumes(service: dict[str, Any]) -> dict[str, bool]:
    """Names of volumes and host folders, and whether they are read-only."""
    found = {}
    for one in service.get("volumes", ()):
        if isinstance(one, dict):
            found[str(one["source"])] = bool(one.get("read_only"))
        else:
            source, _, *how = one.split(":")
            found[source] = how == ["ro"]
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Kafka's image writes its configuration into itself at each start.
    assert service.get("read_only", False) is (name != "kafka")
    assert "privileged" not in service


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_seen_by_those_who_need_it_alone(secret: str) -> None:
    assert {name for name, one in SERVICES.items() if secret in _volumes(one)} == SECRETS[secret]


def test_nobody_but_the_jobs_that_make_them_writes_secrets() -> None:
    writers = {
        name
        for name, one in SERVICES.items()
        for each, read_only in _volumes(one).items()
        if each in SECRETS and not read_only
    }

    assert writers == {"secrets", "mongodb-keyfile"}


def test_no_secret_is_in_the_environment_and_none_comes_from_the_checkout() -> None:
    told = {key: str(value) for one in SERVICES.values() for key, value in one.get("environment", {}).items()}
    files = {each for one in SERVICES.values() for each in _volumes(one) if each.startswith(".")}

    assert not [key for key in told if re.search("PASSWORD|SECRET|TOKEN|MONGODB_URL$", key)]
    assert not [value for value in told.values() if re.search("://[^/]*@", value)]
    assert {Path(file).parts[0] for file in files} == {"deploy", "tools"}


def test_what_runs_is_looked_after() -> None:
    lasting = {name for name, one in SERVICES.items() if one.get("restart") == "unless-stopped"}
    jobs = {"secrets", "mongodb-keyfile", "mongodb-users", "topics", "token", "keys", "admin", "bootstrap"}
    own_health_checks = {name for name in lasting if "healthcheck" in SERVICES[name]}
    from_the_image = {name for name in lasting if SERVICES[name].get("build", {}).get("target") == "service"}

    assert lasting == set(SERVICES) - jobs
    assert own_health_checks | from_the_image == lasting


def test_images_are_named_by_version_and_ports_are_open_on_this_machine_alone() -> None:
    images = {str(one["image"]) for one in SERVICES.values()}
    ports = [str(port) for one in SERVICES.values() for port in one.get("ports", ())]

    assert all(re.search(r":(v?\d+[\d.]*|\$\{CALSYNC_VERSION:-dev\})$", image) for image in images)
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not [port for port in ports if "9090}" in port and "PROMETHEUS" not in port]


def test_with_real_icloud_nothing_knows_the_simulator() -> None:
    real = {name: one for name, one in SERVICES.items() if "simulator" not in one.get("profiles", ())}

    assert "simulator" not in str([real[name] for name in ("connector-icloud", "sync-worker-icloud")])
    assert not [name for name, one in real.items() if "simulator" in one.get("depends_on", ())]
    for name in ("connector-icloud", "sync-worker-icloud"):
        assert real[name]["environment"]["CALSYNC_ICLOUD_URL"] == "${CALSYNC_ICLOUD_URL:-https://caldav.icloud.com/}"
    assert "COMPOSE_PROFILES=simulator" in (ROOT / ".env").read_text().splitlines()


def test_every_volume_is_used() -> None:
    assert set(VOLUMES) == {each for one in SERVICES.values() for each in _volumes(one) if not each.startswith(".")}


def test_images_hold_hashed_packages_and_run_without_root_or_shell() -> None:
    told = (ROOT / "Dockerfile").read_text()
    stages = {stage.split(" AS ")[1].split()[0]: stage for stage in re.split(r"^FROM ", told, flags=re.MULTILINE)[1:]}

    assert set(re.findall(r"pip .*install .*", told)) == set(
        re.findall(r"pip .*install .*--no-deps --require-hashes.*", told)
    )
    for name in ("service", "simulator", "preparation", "admin"):
        assert "USER 10001:10001" in stages[name]
        assert re.search(r'^ENTRYPOINT \["[^"]+"', stages[name], re.MULTILINE)
        assert "pip install" not in stages[name]
    assert "HEALTHCHECK" in stages["service"]


def test_the_builder_is_sent_sources_alone() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    allowed = [line[1:] for line in lines if line.startswith("!")]

    assert lines[0] == "*"
    assert not [line for line in allowed if "test" in line or "key" in line or line.endswith("/")]


def _locked(lock: str) -> dict[str, str]:
    """Names and versions of a lock's packages."""
    lines = (ROOT / f"requirements/{lock}.txt").read_text().splitlines()
    pins = [line.split()[0].partition("==") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return {name.lower(): version for name, _, version in pins}


def _imported(folder: Path) -> set[str]:
    """Packages that code imports, by the first part of their names."""
    nodes = [node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("folder", "locks"),
    [
        ("shared/src", ["runtime"]),
        *((f"services/{name}/src", ["runtime"]) for name in ("connector", "sync-worker", "availability")),
        ("tools/calsync/src", ["runtime", "admin"]),
    ],
)
def test_what_is_imported_is_in_the_images(folder: str, locks: list[str]) -> None:
    locked = {name for lock in locks for name in _locked(lock)}
    ours = {one.name for source in (ROOT / "shared/src", ROOT / folder) for one in source.iterdir()}
    known = packages_distributions()

    foreign = _imported(ROOT / folder) - ours - set(sys.stdlib_module_names)
    missing = {
        name for name in foreign if locked.isdisjoint(one.lower().replace("_", "-") for one in known.get(name, ()))
    }

    assert missing == set()


def test_the_admins_image_holds_the_versions_that_the_tests_run_with() -> None:
    tested = _locked("dev")

    assert {name: version for name, version in _locked("admin").items() if tested.get(name) != version} == {}


def test_each_user_of_mongodb_signs_in_from_one_volume_of_its_own() -> None:
    users = {one["user"] for one in json.loads((ROOT / "deploy/mongodb/roles.json").read_text())}
    made = [one.split(":") for one in SERVICES["secrets"]["volumes"] if ":/keys/mongodb/" in one]
    folders = {Path(target).name: source for source, target in made}
    there = re.findall(r"/keys/mongodb/([a-z-]+)", (ROOT / "Dockerfile").read_text())

    assert folders.keys() == {*users, "admin"} == set(there)
    assert {f"{source}:/keys/mongodb/{user}:ro" for user, source in folders.items()} == set(
        SERVICES["mongodb-users"]["volumes"]
    )


@pytest.mark.parametrize(("name", "package"), [("keys", "calsync_keys"), ("bootstrap", "calsync_bootstrap")])
def test_a_services_tool_runs_in_that_services_image(name: str, package: str) -> None:
    service = SERVICES[name]["image"].removeprefix("calsync/").split(":")[0]

    assert SERVICES[name]["entrypoint"] == ["python", "-m", package]
    assert (ROOT / f"services/{service}/src/{package}/__main__.py").exists()


def test_the_admin_command_is_told_where_everything_is() -> None:
    told = SERVICES["admin"]["environment"]

    assert told.keys() >= {"CALSYNC_MONGODB_URL_FILE", "CALSYNC_KAFKA_BOOTSTRAP_SERVERS"}
    assert {told["CALSYNC_CONNECTOR_URL"], told["CALSYNC_AVAILABILITY_URL"]} == {
        f"http://{name}:8080" for name in ("connector", "availability")
    }
    assert SERVICES["admin"]["networks"] == ["data"]


def test_the_builder_is_sent_all_that_is_copied() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    lines = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    copied = {one for line in lines if not line[1].startswith("--from") for one in line[1:-1]}

    ways = [*allowed, *(f"{one}/*" for one in allowed)]
    assert not [one for one in copied if not any(fnmatch(one.replace("${SERVICE}", "any"), way) for way in ways)]
