from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from local_stack.errors import CannotGoOn
from local_stack.members import PRIMARY, named, primary
from local_stack.stack import LocalStack
from local_stack.state import State
from local_stack.status import status_of

pytestmark = pytest.mark.servers


def _state(stack: LocalStack) -> State:
    assert stack.state is not None
    return stack.state


def _add(stack: LocalStack, number: int) -> None:
    with MongoClient[dict[str, Any]](stack.env["CALSYNC_MONGODB_URL"], w="majority") as client:
        client["tests"]["things"].insert_one({"_id": number})


def _things(stack: LocalStack) -> list[int]:
    with MongoClient[dict[str, Any]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        return [one["_id"] for one in client["tests"]["things"].find().sort("_id")]


def test_a_set_of_three_outlives_its_primary_and_takes_it_back(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "stack", parts=("mongodb",), mongodb_members=3)
    with stack:
        _add(stack, 1)
        (dead,) = named(PRIMARY, _state(stack))

        stack.kill(PRIMARY)
        _add(stack, 2)
        second = primary(_state(stack))
        stack.restart(dead)

        assert second not in (None, dead)
        conditions = {one.name: one.condition for one in status_of(_state(stack))}
        assert conditions == dict.fromkeys(("mongodb-1", "mongodb-2", "mongodb-3"), "running")
        assert _things(stack) == [1, 2]

        stack.down(keep_data=True)
        stack.up()

        assert _things(stack) == [1, 2]
    assert not list((tmp_path / "stack").glob("mongodb*"))


def test_a_stack_without_mongodb_has_no_primary(tmp_path: Path) -> None:
    with (
        LocalStack(tmp_path, parts=("simulator",)) as stack,
        pytest.raises(CannotGoOn, match=r"There is no mongodb in this stack\. It has: simulator"),
    ):
        stack.kill(PRIMARY)
