"""The user of components/mongodb/backup at a MongoDB that asks who one is: what a dump and its restore take."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient

from local_stack.containers_mongodb import ADMIN, begin, give_roles, roles_from, signed_in
from local_stack.containers_secrets import make_keyfile
from local_stack.part import PartProcess
from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import mongod
from manifests import KUBERNETES, ROOT

pytestmark = pytest.mark.servers
Client = MongoClient[dict[str, Any]]


@pytest.fixture
def restorer(tmp_path: Path) -> Iterator[Client]:
    """Whoever restores, at a server that is empty."""
    (port,) = free_ports(1)
    make_keyfile(tmp_path / "keyfile")
    (tmp_path / "data").mkdir()
    process = PartProcess("MongoDB", tmp_path / "mongodb.log")
    process.launch(
        [
            *(str(mongod()), "--dbpath", str(tmp_path / "data"), "--port", str(port), "--bind_ip", HOST),
            *("--nounixsocket", "--replSet", "guarded", "--keyFile", str(tmp_path / "keyfile")),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--logpath", str(tmp_path / "mongodb.json")),
        ]
    )
    try:
        address = f"{HOST}:{port}"
        begin(address, member=address, replica_set="guarded", password=ADMIN)
        with signed_in(address, ADMIN) as admin:
            roles = [one["name"] for one in _user()["roles"]]
            admin.admin.command("createUser", "restorer", pwd="restorer", roles=roles)
        with Client(f"mongodb://restorer:restorer@{address}/?replicaSet=guarded&authSource={ADMIN}") as client:
            yield client
    finally:
        assert process.identity is not None
        process.identity.kill()


def test_it_reads_all_and_the_oplog_applies_what_the_oplog_says_and_makes_who_renews(restorer: Client) -> None:
    told = restorer["connector"]["connections"]
    applied: list[dict[str, Any]] = [
        {"op": "i", "ns": "connector.connections", "o": {"_id": "one", "n": 1}},
        {"op": "i", "ns": "vault.credentials", "o": {"_id": "one"}},
        {"op": "u", "ns": "connector.connections", "o2": {"_id": "one"}, "o": {"$v": 2, "diff": {"u": {"n": 2}}}},
        {"op": "d", "ns": "vault.credentials", "o": {"_id": "one"}},
    ]

    for name in ("connector.connections", "vault.credentials"):
        database, collection = name.split(".")
        restorer[database].create_collection(collection)
    for one in applied:
        restorer.admin.command("applyOps", [one])
    give_roles(restorer, roles_from(ROOT / "deploy/mongodb/renew.json"), {"calsync-renew": "renew"})

    assert (told.find_one(), restorer["vault"]["credentials"].find_one()) == ({"_id": "one", "n": 2}, None)
    assert {"connector", "local", "admin"} <= set(restorer.list_database_names())
    assert restorer["local"]["oplog.rs"].find_one({"ns": "vault.$cmd", "o.create": "credentials"}) is not None
    assert restorer["admin"]["system.users"].find_one({"user": "calsync-renew"}) is not None


def _user() -> dict[str, Any]:
    file = KUBERNETES / "components/mongodb/backup/kustomization.yaml"
    (patch,) = yaml.safe_load(file.read_text())["patches"]
    (operation,) = yaml.safe_load(patch["patch"])
    value: dict[str, Any] = operation["value"]
    return value
