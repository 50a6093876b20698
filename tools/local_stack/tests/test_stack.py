import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from local_stack.errors import CannotGoOn
from local_stack.layout import Layout
from local_stack.processes import Identity
from local_stack.stack import LocalStack
from local_stack.state import Options, State, StateFile
from local_stack.waiting import wait_until

pytestmark = pytest.mark.servers

Stack = Callable[[], LocalStack]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Makes stacks of the same folder, as different terminals do."""
    data = tmp_path / "stack"

    def made() -> LocalStack:
        return LocalStack(data, parts=("mongodb",))

    yield made
    made().down()


def _process(stack: LocalStack, name: str = "mongodb") -> Identity:
    state = stack.state
    assert state is not None
    return state.processes[name]


def _things(stack: LocalStack) -> int:
    with MongoClient[dict[str, Any]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        return client["tests"]["things"].count_documents({})


def _add_thing(stack: LocalStack) -> None:
    with MongoClient[dict[str, Any]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        client["tests"]["things"].insert_one({})


def test_a_stack_that_is_up_serves_and_one_that_is_down_is_gone(stack: Stack) -> None:
    mine = stack().up()
    process = _process(mine)
    assert _things(mine) == 0

    mine.down()

    assert not process.is_alive()
    assert mine.state is None


def test_down_erases_data_and_keys_and_leaves_the_logs(stack: Stack, tmp_path: Path) -> None:
    mine = stack().up()

    mine.down()

    left = {path.relative_to(tmp_path / "stack").as_posix() for path in (tmp_path / "stack").rglob("*")}
    assert left == {"lock", "logs", "logs/mongodb.log"}


def test_data_that_are_kept_are_there_at_the_next_start_on_other_ports(stack: Stack) -> None:
    mine = stack().up()
    _add_thing(mine)
    mine.down(keep_data=True)

    mine.up()

    assert _things(mine) == 1


def test_a_second_stack_in_the_same_folder_is_refused_and_harms_nothing(stack: Stack) -> None:
    mine = stack().up()

    with pytest.raises(CannotGoOn, match="A stack already runs"):
        stack().up()

    assert _things(mine) == 0


def test_two_stacks_run_side_by_side(stack: Stack, tmp_path: Path) -> None:
    mine = stack().up()

    with LocalStack(tmp_path / "other", parts=("mongodb",)) as other:
        _add_thing(other)

        assert (_things(mine), _things(other)) == (0, 1)


def test_a_part_that_another_terminal_killed_comes_back_with_its_data(stack: Stack) -> None:
    mine = stack().up()
    _add_thing(mine)
    before = _process(mine)

    stack().kill("mongodb")
    stack().restart("mongodb")

    assert not before.is_alive()
    assert _process(mine) != before
    assert _things(mine) == 1


def test_a_part_can_be_paused_and_go_on(stack: Stack) -> None:
    mine = stack().up()

    mine.pause("mongodb")
    assert wait_until(_process(mine).is_paused, seconds=5)
    mine.resume("mongodb")

    assert _things(mine) == 0


def test_a_part_that_there_is_not_is_answered_with_those_there_are(stack: Stack) -> None:
    mine = stack().up()

    with pytest.raises(CannotGoOn, match=r"There is no connector in this stack\. It has: mongodb"):
        mine.restart("connector")


def test_what_a_killed_owner_left_behind_is_stopped_by_the_next_start(stack: Stack, tmp_path: Path) -> None:
    mine = stack().up(detach=True)
    left = _process(mine)
    file = StateFile(Layout(tmp_path / "stack"))
    state = file.read()
    assert state is not None
    file.write(replace(state, owner=Identity(os.getpid(), 0.0)))
    said: list[str] = []

    mine.up(say=said.append)

    assert said[0] == "Stopping what an earlier run left behind: mongodb"
    assert not left.is_alive()
    assert _things(mine) == 0


def test_processes_of_others_that_have_a_pid_of_ours_survive_a_stale_state(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    somebody = Identity(os.getppid(), 0.0)
    stale = State(Options(("mongodb",)), {"mongodb": 1}, owner=somebody, processes={"mongodb": somebody})
    StateFile(Layout(tmp_path / "stack")).write(stale)

    mine = stack().up()

    assert _things(mine) == 0


def test_a_taken_port_stops_the_start_before_anything_runs(tmp_path: Path) -> None:
    fixed = LocalStack(tmp_path, ports="fixed", parts=("simulator",))
    with socket.create_server(("127.0.0.1", 18090)), pytest.raises(CannotGoOn, match="18090, which simulator needs"):
        fixed.up()

    assert fixed.state is None


def test_a_part_that_fails_takes_the_others_down_and_tells_its_log(tmp_path: Path) -> None:
    (tmp_path / "simulator").write_text("where a folder should be")
    failing = LocalStack(tmp_path, parts=("mongodb", "simulator"))

    with pytest.raises(CannotGoOn, match=r"simulator ended while it started[\s\S]*simulator"):
        failing.up()

    assert failing.state is None
    assert not (tmp_path / "stack.env").exists()


def test_the_log_of_the_last_run_is_put_aside(stack: Stack) -> None:
    mine = stack().up()
    mine.down()

    mine.up()

    assert [log.name for log in mine.log_files()] == ["mongodb.log", "mongodb.log.1"]
