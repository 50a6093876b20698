"""`python -m local_stack up`, as somebody at a terminal sees it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.processes import Identity
from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

pytestmark = pytest.mark.servers

_UP = [sys.executable, "-m", "local_stack", "up", "--ports", "auto", "--parts", "mongodb", "--data"]


class Terminal:
    """A running `up` and what it has printed."""

    def __init__(self, data: Path, printed: Path) -> None:
        self.stack = LocalStack(data)
        self._printed = printed
        with printed.open("w") as output:
            self.process = subprocess.Popen([*_UP, str(data)], stdout=output, stderr=output, start_new_session=True)

    def shows(self, text: str) -> bool:
        return wait_until(lambda: text in self._printed.read_text(), seconds=30)

    def part(self) -> Identity:
        state = self.stack.state
        assert state is not None
        return state.processes["mongodb"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    started = Terminal(tmp_path / "stack", tmp_path / "printed")
    yield started
    started.process.kill()
    started.process.wait()
    started.stack.down()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_termination_stop_everything_and_keep_the_data(terminal: Terminal, number: signal.Signals) -> None:
    assert terminal.shows("Ready.")
    part = terminal.part()

    for _ in range(3):  # people press it again
        terminal.process.send_signal(number)

    assert terminal.process.wait(30) == 0
    assert not part.is_alive()
    assert terminal.stack.state is None
    assert terminal.shows("Stopped. Data and logs are kept")


def test_ctrl_c_during_the_start_leaves_nothing(terminal: Terminal) -> None:
    assert terminal.shows("Starting mongodb")

    terminal.process.send_signal(signal.SIGINT)

    assert terminal.process.wait(30) == 0
    assert terminal.stack.state is None


def test_when_the_terminal_is_killed_its_parts_end_too(terminal: Terminal) -> None:
    assert terminal.shows("Ready.")
    part = terminal.part()

    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait(30)

    assert wait_until(lambda: not part.is_alive() and terminal.stack.state is None, seconds=30)


def test_a_part_that_dies_is_reported_once_with_what_to_do(terminal: Terminal) -> None:
    assert terminal.shows("Ready.")

    terminal.part().kill()

    assert terminal.shows("mongodb died. The end of its log")
    assert terminal.shows("python -m local_stack restart mongodb")
    terminal.stack.restart("mongodb")
    assert terminal.process.poll() is None


def test_down_in_another_terminal_ends_this_one(terminal: Terminal) -> None:
    assert terminal.shows("Ready.")

    terminal.stack.down()

    assert terminal.process.wait(30) == 0
    assert terminal.shows("Another terminal stopped this stack.")


Run = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(words: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "local_stack", *words.split(), "--data", str(tmp_path / "detached")]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)

    return command


def test_a_detached_stack_answers_every_command(run: Run) -> None:
    answers = [
        run("up --detach --ports auto --parts mongodb"),
        run("status"),
        run("logs mongodb"),
        run("kill mongodb"),
        run("status"),
        run("restart mongodb"),
        run("token --account a --user u --ttl 5m"),
        run("down"),
        run("status"),
    ]

    assert [answer.returncode for answer in answers] == [0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert "running" in answers[1].stdout
    assert "Waiting for connections" in answers[2].stdout
    assert "killed" in answers[4].stdout
    assert answers[6].stdout.count(".") == 2
    assert "No stack runs" in answers[8].stderr
