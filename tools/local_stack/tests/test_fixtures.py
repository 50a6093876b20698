import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.containers_servers import MONGODB, can_run
from local_stack.waiting import wait_until

pytestmark = pytest.mark.servers

_TESTS = """
import signal
from pymongo import MongoClient

def test_waits(mongodb_url):
    with MongoClient(mongodb_url) as client:
        client["tests"]["things"].insert_one({})
    print("waiting", flush=True)
    signal.pause()

def test_given(mongodb_url):
    print(mongodb_url)
"""

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs a test of its own in another process, with a folder for temporary files of its own."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(_TESTS)
    runs: list[subprocess.Popen[str]] = []

    def started(name: str, **env: str) -> subprocess.Popen[str]:
        command = [
            # A run in the background of a script ignores SIGINT, and so would what it starts.
            *("env", "--default-signal=INT"),
            sys.executable,
            "-m",
            "pytest",
            "-sq",
            "-p",
            "no:asyncio",
            "-p",
            "local_stack.fixtures",
            "-k",
            name,
            ".",
        ]
        # Servers that this run was given are not those of the run inside.
        outer = {name: value for name, value in os.environ.items() if not name.startswith("CALSYNC_TEST_")}
        process = subprocess.Popen(
            command,
            cwd=tmp_path / "tests",
            env={**outer, "TMPDIR": str(tmp_path / "tmp"), "CALSYNC_TEST_SERVERS": "processes", **env},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        runs.append(process)
        return process

    yield started
    for process in runs:
        process.kill()
        process.communicate()


def _line_with(word: str, process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if word in line)


def _nothing_is_left(folder: Path) -> bool:
    commands = [process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"])]  # zombies have none
    running = [words for words in commands if str(folder) in " ".join(words)]
    return not running and not list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_broken_off_leaves_neither_servers_nor_files(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    process = run("waits")
    _line_with("waiting", process)
    assert not _nothing_is_left(tmp_path / "tmp")

    process.send_signal(number)

    assert wait_until(lambda: _nothing_is_left(tmp_path / "tmp"), seconds=30)


def test_servers_that_are_given_are_used(run: Run, tmp_path: Path) -> None:
    process = run("given", CALSYNC_TEST_MONGODB_URL="mongodb://given.example/")

    assert _line_with("mongodb://", process) == "mongodb://given.example/\n"
    assert process.wait(30) == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def _containers(process: subprocess.Popen[str]) -> list[str]:
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"label=calsync.tests.owner={process.pid}"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(not can_run(MONGODB), reason="no container engine that holds MongoDB's image")
def test_containers_of_a_killed_run_go_with_the_next(run: Run) -> None:
    killed = run("waits", CALSYNC_TEST_SERVERS="containers")
    _line_with("waiting", killed)
    assert _containers(killed)

    killed.kill()
    killed.wait()
    following = run("given", CALSYNC_TEST_SERVERS="containers")

    assert _line_with("mongodb://", following).startswith("mongodb://127.0.0.1:")
    assert following.wait(60) == 0
    assert _containers(killed) == []
    assert _containers(following) == []


def test_containers_that_are_demanded_and_cannot_be_had_are_asked_for_by_name(run: Run) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nowhere.sock"}

    refused = run("given", CALSYNC_TEST_SERVERS="containers", **nowhere)

    assert "docker pull mongo:8.0" in _line_with("CannotGoOn: No container engine", refused)
