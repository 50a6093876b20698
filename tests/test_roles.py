"""Each process does all of its work as the MongoDB user that deploy/mongodb/roles.json makes it, and nothing else."""

import ast
import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from calsync.app import main
from calsync.ends import End
from calsync_bootstrap.app import Options
from calsync_keys.vault import Vault
from icloud_simulator.demo import APP_PASSWORD, APPLE_ID
from local_stack.connector_key import make_connector_key
from local_stack.containers_mongodb import ADMIN, Role, begin, give_roles, roles_from, signed_in
from local_stack.containers_secrets import make_keyfile
from local_stack.crococlick import Crococlick
from local_stack.demo import Teller, story
from local_stack.environment import Environment, VaultKeys
from local_stack.layout import Layout
from local_stack.part import PartProcess
from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import mongod
from local_stack.services import Service, Start, answers_ok
from local_stack.stack import LocalStack
from local_stack.state import Options as StackOptions
from local_stack.waiting import wait_until

ROOT = Path(__file__).parents[1]
ROLES = {role.user: role for role in roles_from(ROOT / "deploy/mongodb/roles.json")}
CODE = {
    "connector": "services/connector/src/connector",
    "sync-worker": "services/sync-worker/src/sync_worker",
    "availability": "services/availability/src/availability",
    "calsync-keys": "services/sync-worker/src/calsync_keys",
    "calsync-admin": "tools/calsync/src/calsync",
    "calsync-bootstrap": "services/availability/src/calsync_bootstrap",
}
REBUILT = Options().database
SERVICES = {"connector": "connector", "sync-worker": "sync_worker", "availability": "availability"}
REPLICA_SET = "guarded"
REFUSED = 13
Collection = Any
Database = Any
EVERYTHING: dict[str, Callable[[Collection], object]] = {
    "find": lambda one: one.find_one({}),
    # What is no id is refused after the question whether this user may insert at all.
    "insert": lambda one: one.insert_one({"_id": ["no id"]}),
    "update": lambda one: one.update_one({"_id": "nobody"}, {"$set": {"x": 1}}),
    "remove": lambda one: one.delete_one({"_id": "nobody"}),
    "createIndex": lambda one: one.create_index([("_id", 1)]),
    "dropIndex": lambda one: one.drop_index("nothing"),
    "collMod": lambda one: one.database.command("collMod", one.name),
    "dropCollection": lambda one: one.drop(),
}
WITH_A_DATABASE: dict[str, Callable[[Database], object]] = {
    "listCollections": lambda one: one.list_collection_names(),
    "dropDatabase": lambda one: one.command("dropDatabase"),
}
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Guarded:
    """A MongoDB with authentication, whose users are those of the table."""

    port: int
    log: Path

    def url(self, user: str, password: str = "") -> str:
        return f"mongodb://{user}:{password or user}@{HOST}:{self.port}/?replicaSet={REPLICA_SET}&authSource={ADMIN}"

    def refusals(self) -> int:
        return self.log.read_text().count("Checking authorization failed")


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
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
            give_roles(admin, list(ROLES.values()), {user: user for user in ROLES})
            admin.admin.command("createUser", "auditor", pwd="auditor", roles=["readAnyDatabase", "clusterMonitor"])
        yield Guarded(port, folder / "mongodb.json")
    finally:
        assert process.identity is not None
        process.identity.kill()


@pytest.fixture
def stack(mongodb: Guarded, tmp_path: Path) -> Iterator[LocalStack]:
    """Kafka and the simulator, and the services, each signed in as its own user."""
    with LocalStack(tmp_path, parts=("kafka", "simulator"), ports="auto", seed="demo") as running:
        started = _services(running, mongodb, Layout(tmp_path))
        try:
            for one in started:
                one.wait_until_ready()
            yield running
        finally:
            for one in started:
                assert one.identity is not None
                one.identity.kill()


def _services(stack: LocalStack, mongodb: Guarded, layout: Layout) -> list[Service]:
    names = ("connector", "connector ops", "sync-worker ops", "availability", "availability ops")
    assert stack.state is not None
    ports = {**stack.state.ports, **dict(zip(names, free_ports(len(names)), strict=True))}
    make_connector_key(layout.connector_key)
    told = Environment(layout, StackOptions(), ports, VaultKeys.made(layout.keys / "vault"))
    envs = {
        "connector": told.of_connector(),
        "sync-worker": told.of_worker("sync-worker") | {"CALSYNC_POLL_INTERVAL": "PT1S"},
        "availability": told.of_availability(),
    }
    with layout.env_file.open("a") as known:
        known.writelines(f"{one.upper()}_URL=http://{HOST}:{ports[one]}\n" for one in ("connector", "availability"))
        # With it the story makes the database anew: whoever does that signs in here.
        known.write(f"CALSYNC_MONGODB_URL={mongodb.url('calsync-bootstrap')}\n")
    started = [
        Service(
            name,
            Start(
                [SERVICES[name]],
                answers_ok(f"http://{HOST}:{ports[f'{name} ops']}/readyz"),
                env | {"CALSYNC_MONGODB_URL": mongodb.url(name)},
            ),
            layout.log(name),
        )
        for name, env in envs.items()
    ]
    for one in started:
        one.launch()
    return started


@pytest.mark.servers
def test_every_service_does_all_of_its_work_with_its_role(stack: LocalStack, mongodb: Guarded) -> None:
    before = mongodb.refusals()

    story(stack, Teller())

    assert mongodb.refusals() == before
    with MongoClient[dict[str, Any]](mongodb.url("auditor")) as auditor:
        owned = {(one.database, one.collection) for user in SERVICES for one in ROLES[user].privileges}
        made = {(name, one) for name, _ in owned for one in auditor[name].list_collection_names()}
    assert made == owned


@pytest.mark.servers
def test_an_admin_sees_steers_and_erases_with_their_role(stack: LocalStack, mongodb: Guarded) -> None:
    before = mongodb.refusals()
    with Crococlick(stack) as crococlick:
        one = crococlick.connect(APPLE_ID, APP_PASSWORD).raise_for_status().json()["id"]
        account = crococlick.account
    environ = stack.env | {
        "CALSYNC_MONGODB_URL": mongodb.url("calsync-admin"),
        "CALSYNC_CONNECTOR_URL": stack.env["CONNECTOR_URL"],
        "CALSYNC_ADMIN_TOKEN": stack.token(account, "service:ops"),
    }
    assert wait_until(lambda: _said(environ, "verify", one, "--topic", "--grace", "0")[0] == End.OK, seconds=PATIENCE)

    for command in (
        *("connection list", f"connection show {one}", "leases --connections", "removals list", "quarantine list"),
        *(f"connection pause {one}", f"connection resume {one}", "budget set 100", "budget show", "budget clear"),
        *(f"connection resync {one} --how {how}" for how in ("look", "compare", "reread", "republish")),
        f"connection retell {one}",
        *("pending --max-age 600", "keys status", "dead-letters list", "topics diff", f"erase {one}", "audit"),
    ):
        assert _said(environ, *command.split(), "--yes")[0] == End.OK, command

    outcomes = {entry["outcome"] for entry in _said(environ, "audit")[1]["audit"]}
    assert outcomes == {"done"}
    assert mongodb.refusals() == before


def _said(environ: Mapping[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    with redirect_stdout(out):
        code = main([*arguments, "--json"], environ)
    return code, json.loads(out.getvalue() or "{}")


@pytest.mark.servers
async def test_the_key_tool_reads_the_vault_with_its_role(mongodb: Guarded) -> None:
    client = AsyncIOMotorClient[dict[str, Any]](mongodb.url("calsync-keys"))

    uses = await Vault(client).uses()

    assert uses == []
    await asyncio.to_thread(client.close)


@pytest.mark.servers
@pytest.mark.parametrize("user", ROLES)
def test_a_user_may_do_what_the_table_says_and_no_more(mongodb: Guarded, user: str) -> None:
    places = {(one.database, one.collection) for role in ROLES.values() for one in role.privileges if one.collection}
    places |= {(database, "something_else") for database, _ in places} | {
        (ADMIN, "system.users"),
        ("local", "oplog.rs"),
    }

    with MongoClient[dict[str, Any]](mongodb.url(user)) as client:
        may = {
            (*place, action)
            for place in places
            for action, do in EVERYTHING.items()
            if _is_let(do, client[place[0]][place[1]])
        }
        may |= {
            (database, "", action)
            for database in {database for database, _ in places}
            for action, do in WITH_A_DATABASE.items()
            if _is_let(do, client[database])
        }
        with pytest.raises(OperationFailure, match="not authorized"):
            client.admin.command("createUser", "friend", pwd="friend", roles=["root"])

    assert may == {(one.database, one.collection, action) for one in ROLES[user].privileges for action in one.actions}


def _is_let(do: Callable[[Any], object], what: Collection | Database) -> bool:
    try:
        do(what)
    except OperationFailure as failure:
        return failure.code != REFUSED
    return True


@pytest.mark.parametrize("user", ROLES)
def test_the_table_names_the_collections_that_the_code_names(user: str) -> None:
    named = {one.collection for one in ROLES[user].privileges if one.database != REBUILT}

    assert _named(ROOT / CODE[user]) == named


def test_credentials_are_read_by_workers_and_tools_and_each_database_is_written_by_one_service() -> None:
    readers = {user for user, role in ROLES.items() if "find" in _on(role, "vault", "credentials")}
    owners = {one.database: user for user in SERVICES for one in ROLES[user].privileges if one.database != "vault"}

    assert readers == {"sync-worker", "calsync-keys", "calsync-admin"}
    assert owners == {"connector": "connector", "sync": "sync-worker", "availability": "availability"}


def test_an_admin_writes_into_their_own_database_and_what_workers_are_steered_by() -> None:
    writes = {
        (one.database, one.collection): one.actions - {"find"}
        for one in ROLES["calsync-admin"].privileges
        if one.actions != {"find"}
    }

    assert writes == {
        ("calsync_admin", "audit"): {"insert", "update"},
        ("calsync_admin", "replayed"): {"insert", "update"},
        ("sync", "budgets"): {"insert", "update"},
        ("sync", "connections"): {"update"},
        ("sync", "objects"): {"update"},
    }


def test_a_rebuilt_database_is_written_as_availabilitys_own_is_and_that_one_is_only_read() -> None:
    own = {one.collection: one.actions for one in ROLES["availability"].privileges}
    bootstrap = ROLES["calsync-bootstrap"].privileges
    rebuilt = {one.collection: one.actions for one in bootstrap if one.database == REBUILT}

    assert rebuilt == own | {"": {"dropDatabase", "listCollections"}}
    assert {one.database: one.actions for one in bootstrap if one.database != REBUILT} == {Options().live: {"find"}}


def _on(role: Role, database: str, collection: str) -> frozenset[str]:
    found = (one.actions for one in role.privileges if (one.database, one.collection) == (database, collection))
    return next(found, frozenset())


def _named(package: Path) -> set[str]:
    """What `client[database][NAME]` and `….get_collection(NAME, …)` name in a package's code."""
    names: set[str] = set()
    for file in package.rglob("*.py"):
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text())):
            name: ast.expr | None = None
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
                name = node.slice if "client" in ast.unparse(node.value.value) else None
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                name = node.args[0] if node.func.attr == "get_collection" else None
            if isinstance(name, ast.Constant):
                names.add(str(name.value))
            elif isinstance(name, ast.Name):
                names.add(getattr(import_module(module), name.id))
    return names
