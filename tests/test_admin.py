"""The admin command on the whole system: what it steers is felt, what it says is so."""

import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from pymongo import MongoClient

from apple_users import AppleUsers
from calsync.app import main
from lives import objects
from local_stack.stack import LocalStack
from local_stack.tokens import EVERY_SCOPE
from local_stack.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.story]
PATIENCE = 30
IDLE = 4
"""Seconds: four times the stack's usual time between two looks."""
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_an_admin_sees_steers_and_erases(stack: LocalStack, users: AppleUsers) -> None:
    person = users.person(life=objects(Random(11), TODAY, 10))
    made = person.crococlick.connect(person.apple.apple_id, person.apple.app_password).raise_for_status().json()
    one, account = str(made["id"]), person.crococlick.account
    token = stack.token(account, "service:ops", EVERY_SCOPE, ttl=timedelta(hours=1))
    environ = stack.env | {"CALSYNC_ADMIN_TOKEN": token}

    def said(*arguments: str) -> tuple[int, dict[str, Any]]:
        return _said(environ, *arguments)

    def age() -> float:
        (row,) = said("connection", "list", "--account", account)[1]["connections"]
        return float(row["age_seconds"])

    assert wait_until(lambda: users.state(person) == "fresh", seconds=PATIENCE)
    strict = ("verify", one, "--topic", "--grace", "0", "--settle", "1")
    assert wait_until(lambda: said(*strict)[0] == 0, seconds=PATIENCE), said(*strict)
    code, reasons = said("why", person.user, f"{TODAY:%Y-%m-%d}")
    assert (code, reasons["state"]) == (0, "fresh")

    assert said("connection", "pause", one, "--yes")[0] == 0
    assert wait_until(lambda: age() >= IDLE, seconds=PATIENCE)
    assert said("connection", "resume", one, "--yes")[0] == 0
    assert wait_until(lambda: age() < IDLE, seconds=PATIENCE)
    code, again = said("connection", "resync", one, "--how", "reread", "--yes")
    assert (code, again["objects"] > 0) == (0, True)
    assert said("connection", "resync", one, "--yes")[0] == 0
    assert wait_until(lambda: said(*strict)[0] == 0, seconds=PATIENCE), said(*strict)

    asking = ("verify", one, "--icloud", "--wait", str(PATIENCE), "--grace", "0", "--yes")
    _forget_an_event(environ["CALSYNC_MONGODB_URL"], one)
    code, drifted = said(*asking)
    assert (code, drifted["compared"], sum(row["missing"] for row in drifted["icloud"])) == (1, True, 1)
    code, agreed = said(*asking)
    assert (code, agreed["compared"], agreed["findings"]) == (0, True, [])

    code, erased = said("erase", one, "--yes")

    assert (code, erased["erased"], erased["left"]) == (0, True, {})
    assert said("erase", one, "--yes")[0] == 0
    assert said("connection", "pause", one, "--yes")[0] == 1


def _forget_an_event(url: str, connection_id: str) -> None:
    """As if no change had ever told of it."""
    with MongoClient[dict[str, Any]](url) as client:
        assert client["sync"]["objects"].find_one_and_delete({"connection_id": connection_id, "alive": True})


def _said(environ: Mapping[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    with redirect_stdout(out):
        code = main([*arguments, "--json"], environ)
    return code, json.loads(out.getvalue() or "{}")
