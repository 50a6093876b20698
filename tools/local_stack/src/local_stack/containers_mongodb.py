"""MongoDB's users and what each may do, from the one table in deploy/mongodb/roles.json.

`python -m local_stack.containers mongodb` brings a server to where its services can begin: a replica set, an admin,
a role and a user for each service. Repeatable: roles and passwords are set again to what table and files say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local_stack.errors import CannotGoOn
from local_stack.waiting import wait_until

ADMIN: Final = "admin"
"""The user that makes the others, and the database that all of them live in."""
_ADMINS_ROLES: Final = ("clusterAdmin", "userAdminAnyDatabase")
_ALREADY_INITIALISED: Final = 23
_AUTHENTICATION_FAILED: Final = 18
_PATIENCE_SECONDS: Final = 60.0

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Privilege:
    """What may be done with one collection, in MongoDB's words."""

    database: str
    collection: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Role:
    """A role, and the one user who has it."""

    user: str
    name: str
    privileges: tuple[Privilege, ...]


def roles_from(table: Path) -> tuple[Role, ...]:
    """Read roles.json."""
    return tuple(
        Role(
            one["user"],
            one["role"],
            tuple(
                Privilege(each["resource"]["db"], each["resource"]["collection"], frozenset(each["actions"]))
                for each in one["privileges"]
            ),
        )
        for one in json.loads(table.read_text())
    )


def give_roles(admin: Client, roles: Sequence[Role], passwords: Mapping[str, str]) -> None:
    """Make each role and its user, or set them anew; `passwords` by user."""
    for role in roles:
        _make_or_change(admin, "Role", role.name, {"privileges": list(map(_document, role.privileges)), "roles": []})
        its = [{"role": role.name, "db": ADMIN}]
        _make_or_change(admin, "User", role.user, {"pwd": passwords[role.user], "roles": its})


def begin(host: str, *, member: str, replica_set: str, password: str) -> None:
    """Make a new server a replica set of one, with an admin; nothing when it is that.

    From the server's own loopback interface: there MongoDB lets somebody in as long as it has no user at all. `member`
    is the address by which clients find it. Raises CannotGoOn.
    """
    with Client(host, directConnection=True, serverSelectionTimeoutMS=1_000) as client:
        if not wait_until(lambda: _answers(client), seconds=_PATIENCE_SECONDS):
            msg = f"MongoDB does not answer at {host}"
            raise CannotGoOn(msg)
        if _knows_admin(host, password):
            return
        try:
            members = [{"_id": 0, "host": member}]
            client.admin.command("replSetInitiate", {"_id": replica_set, "members": members})
        except OperationFailure as failure:
            if failure.code != _ALREADY_INITIALISED:
                raise
        _demand_primary(client)
        client.admin.command("createUser", ADMIN, pwd=password, roles=list(_ADMINS_ROLES))


def signed_in(host: str, password: str) -> Client:
    """A client of the admin's, directly to one server."""
    return Client(
        host, directConnection=True, username=ADMIN, password=password, authSource=ADMIN, serverSelectionTimeoutMS=5_000
    )


def _knows_admin(host: str, password: str) -> bool:
    with signed_in(host, password) as client:
        try:
            _demand_primary(client)
        except OperationFailure as failure:
            if failure.code != _AUTHENTICATION_FAILED:
                raise
            return False
    return True


def _demand_primary(client: Client) -> None:
    if not wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), seconds=_PATIENCE_SECONDS):
        msg = "MongoDB does not become primary. Look into its log."
        raise CannotGoOn(msg)


def _answers(client: Client) -> bool:
    try:
        client.admin.command("ping")
    except PyMongoError:  # not listening yet: asked again
        return False
    return True


def _make_or_change(admin: Client, kind: str, name: str, what: Mapping[str, Any]) -> None:
    key = f"{kind.lower()}s"
    there = admin[ADMIN].command(f"{key}Info", {kind.lower(): name, "db": ADMIN})[key]
    admin[ADMIN].command(f"{'update' if there else 'create'}{kind}", name, **what)


def _document(privilege: Privilege) -> dict[str, Any]:
    resource = {"db": privilege.database, "collection": privilege.collection}
    return {"resource": resource, "actions": sorted(privilege.actions)}
