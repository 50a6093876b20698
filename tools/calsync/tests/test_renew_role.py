"""`connection renew` at a MongoDB that asks who one is, as the user that whoever restored makes for that hour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from pymongo import MongoClient
from tools.calsync.tests.restoring import backup, looked, started, states_of
from tools.calsync.tests.world import LONG_AGO, World

from contracts.wire import encode
from icloud.credentials import KeyPair
from local_stack.containers_mongodb import ADMIN, begin, give_roles, roles_from, signed_in
from local_stack.containers_secrets import make_keyfile
from local_stack.part import PartProcess
from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import mongod

pytestmark = pytest.mark.servers
RENEW: Final = roles_from(Path(__file__).parents[3] / "deploy/mongodb/renew.json")
REPLICA_SET: Final = "guarded"
EVERYBODY, RESTORER = "everybody", "restorer"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A MongoDB with authentication; each user's password is their name."""

    port: int
    log: Path

    def url(self, user: str) -> str:
        return f"mongodb://{user}:{user}@{HOST}:{self.port}/?replicaSet={REPLICA_SET}&authSource={ADMIN}"

    def refusals(self) -> int:
        return self.log.read_text().count("Checking authorization failed")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    (port,) = free_ports(1)
    make_keyfile(folder / "keyfile")
    (folder / "data").mkdir()
    process = PartProcess("MongoDB", folder / "mongodb.log")
    process.launch(
        [
            *(str(mongod()), "--dbpath", str(folder / "data"), "--port", str(port), "--bind_ip", HOST),
            *("--nounixsocket", "--replSet", REPLICA_SET, "--keyFile", str(folder / "keyfile")),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--logpath", str(folder / "mongodb.json")),
        ]
    )
    try:
        address = f"{HOST}:{port}"
        begin(address, member=address, replica_set=REPLICA_SET, password=ADMIN)
        with signed_in(address, ADMIN) as admin:
            for user, role in ((EVERYBODY, "root"), (RESTORER, "restore")):
                admin.admin.command("createUser", user, pwd=user, roles=[role])
        yield Guarded(port, folder / "mongodb.json")
    finally:
        assert process.identity is not None
        process.identity.kill()


@pytest.fixture
def world(guarded: Guarded, kafka_bootstrap_servers: str, keys: KeyPair) -> World:
    return World(guarded.url(EVERYBODY), kafka_bootstrap_servers, keys)


@pytest.fixture
def renewing(guarded: Guarded) -> Mapping[str, str]:
    """As the user whom the restorer makes, out of the table."""
    with MongoClient[dict[str, Any]](guarded.url(RESTORER)) as restorer:
        give_roles(restorer, RENEW, {role.user: role.user for role in RENEW})
    (role,) = RENEW
    return {"CALSYNC_MONGODB_URL": guarded.url(role.user)}


def test_the_rights_of_the_table_do_for_all_that_it_does_and_whoever_restored_gives_them(
    world: World, guarded: Guarded, renewing: Mapping[str, str]
) -> None:
    kept = world.connected(told=True)
    states = states_of(world, kept)
    backed_up = backup(world)
    lost = world.connected(told=True)
    went = world.events[kept.events[0]].model_copy(update={"event_id": uuid4().hex[:24], "revision": 7})
    world.publish([encode(went, source="tests", time=LONG_AGO)])
    backed_up.restore()
    before = guarded.refusals()

    planned = world.calsync("connection", "renew", kept.id, "--dry-run", "--json", **renewing)
    renewed = world.calsync("connection", "renew", kept.id, "--yes", "--json", **renewing)
    ended = world.calsync("connection", "renew", lost.id, "--what", "lost", "--yes", "--json", **renewing)
    started(world, kept.id)
    looked(world, kept, states)
    rest = world.calsync("connection", "renew", kept.id, "--what", "events", "--yes", "--json", **renewing)

    assert (planned.code, planned.json["chosen"]) == (1, 1)
    assert [(one.code, one.json["done"], one.json["left"]) for one in (renewed, ended, rest)] == [(0, 1, {})] * 3
    assert rest.json["to_change"] == [{"connection_id": kept.id, "events": 1, "beside": 3}]
    audit = world.calsync("audit", "--what", "connection renew", "--json").json["audit"]
    assert [entry["outcome"] for entry in audit] == ["done"] * 3
    assert guarded.refusals() == before
