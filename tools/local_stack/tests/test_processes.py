import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local_stack.processes import Identity, inherited_environment, spawn, tail
from local_stack.waiting import wait_until

Start = Callable[[str], Identity]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Identity] = []

    def python(code: str) -> Identity:
        waiting = f"import signal\n{code}\nprint('up')\nsignal.pause()"
        identity = spawn([sys.executable, "-uc", waiting], env={}, log=tmp_path / "log")
        started.append(identity)
        return identity

    yield python
    for identity in started:
        identity.kill()


def _is_up(log: Path) -> bool:
    return wait_until(lambda: "up" in tail(log), seconds=10)


def test_a_process_lives_in_a_session_of_its_own(start: Start) -> None:
    identity = start("")

    assert os.getsid(identity.pid) == identity.pid != os.getsid(0)


def test_a_killed_process_is_dead_even_before_anybody_collects_it(start: Start) -> None:
    identity = start("")

    os.kill(identity.pid, signal.SIGKILL)

    assert wait_until(lambda: not identity.is_alive(), seconds=10)
    assert not psutil.pid_exists(identity.pid)


def test_somebody_else_with_the_same_pid_is_left_alone(start: Start) -> None:
    identity = start("")
    earlier = replace(identity, started=identity.started - 60)

    earlier.kill()

    assert not earlier.is_alive()
    assert identity.is_alive()


def test_a_process_that_leaves_when_asked_is_not_killed(start: Start, tmp_path: Path) -> None:
    identity = start("")
    assert _is_up(tmp_path / "log")

    assert identity.stop(seconds=10)


def test_a_process_that_does_not_leave_is_killed(start: Start, tmp_path: Path) -> None:
    identity = start("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert _is_up(tmp_path / "log")

    left_by_itself = identity.stop(seconds=0.2)

    assert not left_by_itself
    assert not identity.is_alive()


def test_a_paused_process_can_be_stopped(start: Start, tmp_path: Path) -> None:
    identity = start("")
    assert _is_up(tmp_path / "log")
    identity.signal(signal.SIGSTOP)
    assert wait_until(identity.is_paused, seconds=10)

    assert identity.stop(seconds=10)


def test_parts_see_nothing_of_the_settings_in_the_terminal() -> None:
    terminal = {"PATH": "/bin", "HOME": "/home/me", "CALSYNC_MONGODB_URL": "mongodb://elsewhere", "PYTHONPATH": "/x"}

    assert inherited_environment(terminal) == {"PATH": "/bin", "HOME": "/home/me"}
