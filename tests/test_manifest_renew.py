"""The pod that gives connections a new epoch after a restore: what it may, how long, and the guide's commands."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.topics import TOPICS
from manifests import BY_HAND, ROOT, Json, Pod, by_hand, of_kind
from runbooks import parsed_calsync

CLUSTERS = ("staging", "production")
RENEW = {"app.kubernetes.io/name": "calsync-renew"}
STUBS = """
set -euo pipefail
kubectl() {
  if [ "$3" = create ]; then cat > "$TMPDIR/secret"; fi
  printf '%s\\n' "$*" >> "$TMPDIR/kubectl"
}
mongosh() { [ "$1 $2 $3" = "$RESTORER --quiet --eval" ]; node -e "$MONGODB $4" >> "$TMPDIR/mongodb"; }
"""
MONGODB = """
const told = name => (...said) => console.log(JSON.stringify([name, ...said]));
const commands = ["createRole", "createUser", "dropRole", "dropUser"];
const db = {getSiblingDB: name => Object.fromEntries(commands.map(one => [one, told(`${name}.${one}`)]))};
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What the guide's commands come to, before the renewal and after it."""

    kubectl: list[str]
    mongodb: list[list[Any]]
    url: str
    """Of the Secret."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The guide's commands, one block after the other, where nobody is spoken to."""
    if shutil.which("node") is None:
        pytest.skip("mongosh speaks JavaScript, and there is no node here to read it")
    folder = tmp_path_factory.mktemp("renew")
    script = [f"export TMPDIR='{folder}' RESTORER=mongodb://restorer USER=anna MONGODB", f"MONGODB='{MONGODB}'", STUBS]
    done = subprocess.run(
        ["bash", "-c", "\n".join([*script, *_blocks()])],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Ran(
        (folder / "kubectl").read_text().splitlines(),
        [json.loads(line) for line in (folder / "mongodb").read_text().splitlines()],
        (folder / "secret").read_text(),
    )


def _blocks() -> list[str]:
    guide = (ROOT / "docs/admin.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^### After a restore$(.*?)^##", guide, re.MULTILINE | re.DOTALL)
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def told(one: Pod) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in one.main["env"]}


def test_who_renews_signs_with_the_key_tools_key_and_opens_nothing() -> None:
    renews, keys = (one for name in ("calsync-renew", "calsync-keys") for one in BY_HAND if one.name == name)
    opening = {"CALSYNC_VAULT_PRIVATE_KEYS_DIR"}

    of_vault = {name: value for name, value in told(keys).items() if "_VAULT_" in name}

    assert {name: value for name, value in told(renews).items() if "_VAULT_" in name} == {
        name: value for name, value in of_vault.items() if name not in opening
    }
    assert "calsync-vault-private" not in renews.secrets


@pytest.mark.parametrize("overlay", CLUSTERS)
def test_nothing_that_lets_in_who_renews_is_there_for_every_day(overlay: str) -> None:
    standing = [one for one in of_kind(overlay, "NetworkPolicy") if "calsync-renew" in json.dumps(one)]
    users = {user["metadata"]["name"] for user in of_kind(overlay, "KafkaUser")}

    assert standing == []
    assert users.isdisjoint(user["metadata"]["name"] for user in by_hand("KafkaUser"))
    assert "calsync-renew" not in {user["name"] for user in _users_of_mongodb(overlay)}


def test_who_renews_speaks_to_mongodb_and_kafka_and_is_spoken_to_by_nobody() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in by_hand("NetworkPolicy")}
    (kafka,) = (one for one in of_kind("production", "Kafka"))
    port = {"protocol": "TCP", "port": kafka["spec"]["kafka"]["listeners"][0]["port"]}
    servers = {"mongodb": [{"protocol": "TCP", "port": 27017}], "kafka": [port]}
    own = policies.pop("calsync-renew")

    assert own["podSelector"] == {"matchLabels": RENEW}
    assert (own["policyTypes"], "ingress" in own) == (["Ingress", "Egress"], False)
    assert own["egress"] == [
        {"to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}], "ports": ports}
        for name, ports in servers.items()
    ]
    assert policies == {
        f"calsync-renew-{name}": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": RENEW}}], "ports": ports}],
        }
        for name, ports in servers.items()
    }


def test_who_renews_reads_what_was_told_for_good_and_writes_nothing_on_kafka() -> None:
    (user,) = by_hand("KafkaUser")

    rights = [(acl["resource"]["name"], acl["operations"]) for acl in user["spec"]["authorization"]["acls"]]

    assert sorted(rights) == sorted((topic.name, ["Read"]) for topic in TOPICS if topic.compacted)


def test_who_renews_has_a_role_of_its_own_that_no_installation_makes() -> None:
    (renew,) = json.loads((ROOT / "deploy/mongodb/renew.json").read_text())
    (admin,) = (
        one for one in json.loads((ROOT / "deploy/mongodb/roles.json").read_text()) if one["user"] == "calsync-admin"
    )

    may, every_day = _pairs(renew), _pairs(admin)

    assert may - every_day == {
        ("connector.connections", "insert"),
        ("connector.connections", "update"),
        ("sync.objects", "insert"),
        ("vault.credentials", "update"),
    }
    assert {action for _, action in may} == {"find", "insert", "update"}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_the_guide_makes_the_user_of_the_table_and_what_the_pod_mounts_and_takes_all_of_it_away(ran: Ran) -> None:
    (table,) = json.loads((ROOT / "deploy/mongodb/renew.json").read_text())
    (renews,) = (one for one in BY_HAND if one.name == "calsync-renew")
    (mounted,) = (one["secret"] for one in renews.spec["volumes"] if one["name"] == "mongodb")
    url = urlsplit(ran.url)
    made, gone = ran.mongodb[:2], ran.mongodb[2:]

    assert made == [
        ["admin.createRole", {"role": table["role"], "privileges": table["privileges"], "roles": []}],
        ["admin.createUser", {"user": table["user"], "pwd": url.password, "roles": [table["role"]]}],
    ]
    assert gone == [["admin.dropUser", table["user"]], ["admin.dropRole", table["role"]]]
    assert (url.username, len(url.password or ""), parse_qs(url.query)["authSource"]) == (table["user"], 48, ["admin"])
    for overlay in CLUSTERS:
        (database,) = of_kind(overlay, "MongoDBCommunity")
        assert url.hostname == f"{database['metadata']['name']}-svc"
        assert parse_qs(url.query)["replicaSet"] == [database["metadata"]["name"]]
    assert mounted == {"secretName": "calsync-mongodb-renew", "items": [{"key": "url", "path": "url"}]}
    assert not any(url.password in line for line in ran.kubectl if url.password), "on a command line everybody sees it"


def test_the_guide_brings_the_pod_runs_the_command_in_it_and_takes_it_away(ran: Ran) -> None:
    called = "-n calsync exec -it calsync-renew -- env CALSYNC_ADMIN_NAME=anna python -m calsync "
    (in_it,) = (line.removeprefix(called) for line in ran.kubectl if line.startswith(called))

    rest = [line.removeprefix("-n calsync ") for line in ran.kubectl if not line.startswith(called)]

    parsed_calsync(in_it.split())
    assert in_it.split()[:2] == ["connection", "renew"]
    assert rest == [
        "create secret generic calsync-mongodb-renew --from-file=url=/dev/stdin",
        "apply -f deploy/k8s/admin/renew.yaml",
        "wait pod/calsync-renew --for=condition=Ready --timeout=5m",
        "delete -f deploy/k8s/admin/renew.yaml",
        "delete secret calsync-mongodb-renew",
    ]
    assert (ROOT / "deploy/k8s/admin/renew.yaml").is_file()


def _pairs(role: Json) -> set[tuple[str, str]]:
    """Collection and action."""
    return {
        (f"{one['resource']['db']}.{one['resource']['collection']}", action)
        for one in role["privileges"]
        for action in one["actions"]
    }


def _users_of_mongodb(overlay: str) -> list[Json]:
    (database,) = of_kind(overlay, "MongoDBCommunity")
    users: list[Json] = database["spec"]["users"]
    return users
