"""A killed simulator loses nothing that it has answered for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from icloud_simulator.client import SimulatorAdmin
from icloud_simulator.facts import ClockMoved
from icloud_simulator.journal import FileJournal
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator

pytestmark = pytest.mark.servers


@dataclass(frozen=True)
class _Running:
    url: str
    admin: SimulatorAdmin
    lines: list[str]
    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)


@contextmanager
def _simulator(*more: str) -> Iterator[_Running]:
    command = [sys.executable, "-m", "icloud_simulator", "--port", "0", "--admin-port", "0", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        admin = SimulatorAdmin(lines[2].split()[-1].removesuffix("/openapi.json"))
        yield _Running(lines[1].split()[-1], admin, lines, process)
        admin.close()
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def test_a_killed_simulator_comes_back_as_it_was(tmp_path: Path) -> None:
    where = ("--data", str(tmp_path), "--seed", "none")
    with _simulator(*where) as first:
        account = first.admin.create_account("ann@icloud.com")
        second_password = first.admin.new_app_password(account.apple_id)
        first.admin.revoke_app_password(account.apple_id, account.app_password)
        first.admin.put_objects(account.apple_id, "home", {"a.ics": "1", "b.ics": "1"})
        probe = Probe(first.url, account.apple_id, second_password)
        _, token = probe.changes(f"{account.home}home/")
        first.admin.delete_object(account.apple_id, "home", "a.ics")
        first.admin.set_faults(account.apple_id, duplicate_hrefs=0.5)
        first.admin.move_clock(-3_600)
        before = first.admin.objects(account.apple_id)
        probe.close()
        first.kill()

    with _simulator(*where) as again:
        probe = Probe(again.url, account.apple_id, second_password)
        refused = Probe(again.url, account.apple_id, account.app_password)
        after = again.admin.objects(account.apple_id)
        changed, _ = probe.changes(f"{account.home}home/", token)
        again.admin.put_object(account.apple_id, "home", "c.ics", "1")
        newest = [int(item.etag.strip('"'), 36) for item in again.admin.objects(account.apple_id)]
        statuses = [client.send("PROPFIND", "/", depth="0").status_code for client in (probe, refused)]
        probe.close()
        refused.close()

    assert after == before
    assert {(item.path.rpartition("/")[2], item.status) for item in changed} == {("", None), ("a.ics", 404)}
    assert newest[-1] == max(newest)
    assert statuses == [207, 401]


def test_a_moved_partition_is_served_again_after_a_restart(tmp_path: Path) -> None:
    where = ("--data", str(tmp_path), "--seed", "none")
    with _simulator(*where) as first:
        account = first.admin.create_account()
        base = first.admin.move_partition(account.apple_id)
        first.kill()

    with _simulator(*where):
        probe = Probe(base, account.apple_id, account.app_password)
        status = probe.send("PROPFIND", account.home, depth="1").status_code
        probe.close()

    assert status == 207


def test_the_command_alone_prints_an_account_that_works() -> None:
    with _simulator() as running:
        assert running.process.stdout is not None
        _, apple_id, password = running.process.stdout.readline().split()
        probe = Probe(running.url, apple_id, password)
        (root,) = probe.propfind("/", "d:current-user-principal")
        probe.close()

    assert root.text("d:current-user-principal") == "/20451177/principal/"


def test_the_command_is_there_within_a_second() -> None:
    """Counted in the process's own time, which other people's work on the machine does not lengthen."""

    def seconds() -> float:
        with _simulator() as running:
            spent = psutil.Process(running.process.pid).cpu_times()
            return spent.user + spent.system

    assert min(seconds() for _ in range(3)) < 1


@pytest.mark.parametrize("ports", [("--port", "{}", "--admin-port", "0"), ("--port", "0", "--admin-port", "{}")])
def test_a_taken_port_is_said_in_plain_words(simulator: Simulator, ports: tuple[str, ...]) -> None:
    taken = simulator.url.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-m", "icloud_simulator", *(item.format(taken) for item in ports)]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert ended.returncode == 1
    assert "cannot start" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_password_is_kept_in_the_clear(tmp_path: Path) -> None:
    with _simulator("--data", str(tmp_path), "--seed", "none") as running:
        account = running.admin.create_account()

    kept = (tmp_path / "journal.jsonl").read_text()
    assert account.dsid in kept
    assert account.app_password not in kept
    assert account.main_password not in kept


@pytest.mark.parametrize("torn", [b'[{"fact":"ClockM', b"[", b'[{"fact":"ClockMoved","offset":9.0}]'])
def test_a_line_cut_by_a_crash_is_dropped(tmp_path: Path, torn: bytes) -> None:
    journal = FileJournal(tmp_path)
    journal.write([ClockMoved(1.0), ClockMoved(2.0)])
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(torn)
    journal.close()

    again = FileJournal(tmp_path)
    read = list(again.read())
    again.write([ClockMoved(3.0)])
    again.close()
    last = FileJournal(tmp_path)
    after = list(last.read())
    last.close()

    assert read == [ClockMoved(1.0), ClockMoved(2.0)]
    assert after == [*read, ClockMoved(3.0)]
