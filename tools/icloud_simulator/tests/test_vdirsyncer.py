"""A second client that nobody of us wrote, as a process of its own with a folder as the other side."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.simulator import Simulator

pytestmark = pytest.mark.servers

_START = datetime(2026, 12, 1, 10, tzinfo=UTC)
_SPAN = (_START, _START + timedelta(hours=1))
_CONFIG = """
[general]
status_path = "{folder}/status/"

[pair mine]
a = "local"
b = "icloud"
collections = {collections}
metadata = ["displayname", "color"]

[storage local]
type = "filesystem"
path = "{folder}/local/"
fileext = ".ics"

[storage icloud]
type = "caldav"
url = "{url}"
username = "{user}"
password = "{password}"
"""
_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Somebody//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20261101T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nSUMMARY:{title}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass(frozen=True)
class _Computer:
    """Somebody's computer with a folder for each calendar."""

    folder: Path

    def run(self, *command: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("vdirsyncer")
        return subprocess.run(
            [program, "--config", self.folder / "config", *command],
            input=answers,
            env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def sync(self) -> None:
        ended = self.run("sync")
        assert ended.returncode == 0, ended.stderr

    def write(self, uid: str, title: str) -> None:
        (self.folder / "local" / "home" / f"{uid}.ics").write_bytes(_EVENT.format(uid=uid, title=title).encode())

    def remove(self, uid: str) -> None:
        (self.folder / "local" / "home" / f"{uid}.ics").unlink()

    def titles(self) -> list[str]:
        return _titles(path.read_text() for path in (self.folder / "local" / "home").glob("*.ics"))


def _titles(texts: Iterable[str]) -> list[str]:
    lines = (line for text in texts for line in text.splitlines())
    return sorted(line.removeprefix("SUMMARY:") for line in lines if line.startswith("SUMMARY:"))


def _computer(folder: Path, simulator: Simulator, account: SimulatedAccount, *collections: str) -> _Computer:
    for name in collections:
        (folder / "local" / name).mkdir(parents=True)
    given = {"url": simulator.url, "user": account.apple_id, "password": account.app_password}
    named = "[" + ", ".join(f'"{name}"' for name in collections) + "]"
    (folder / "config").write_text(_CONFIG.format(folder=folder, collections=named, **given))
    return _Computer(folder)


@pytest.fixture
def computer(tmp_path: Path, simulator: Simulator, account: SimulatedAccount) -> _Computer:
    ready = _computer(tmp_path, simulator, account, "home")
    ended = ready.run("discover")
    assert ended.returncode == 0, ended.stderr
    return ready


def _in_icloud(admin: SimulatorAdmin, account: SimulatedAccount) -> list[str]:
    return _titles(item.ics for item in admin.objects(account.apple_id))


def test_it_finds_the_calendars_from_the_entry_alone(
    tmp_path: Path, simulator: Simulator, admin: SimulatorAdmin, account: SimulatedAccount
) -> None:
    admin.add_calendar(account.apple_id, "Holidays", kind="subscribed", source="webcal://a.example/x")
    computer = _computer(tmp_path, simulator, account, "home", "work")

    ended = computer.run("discover")

    assert ended.returncode == 0, ended.stderr
    found = ended.stderr.split("icloud:")[1]
    assert [name for name in ("Home", "Work", "Reminders", "Holidays") if f'("{name}")' in found] == [
        "Home",
        "Work",
        "Reminders",
    ]


def test_its_first_sync_brings_both_sides_together_and_the_next_moves_nothing(
    admin: SimulatorAdmin, account: SimulatedAccount, computer: _Computer
) -> None:
    admin.add_event(account.apple_id, "home", "From the iPhone", _SPAN, rule="FREQ=WEEKLY")
    computer.write("0f5f1ad6-35f2-4a0b-8f0b-5d2a3c6f7b11", "From the computer")

    computer.sync()
    seen = max(item.number for item in admin.requests())
    computer.sync()

    assert computer.titles() == _in_icloud(admin, account) == ["From the computer", "From the iPhone"]
    assert {item.method for item in admin.requests(account.apple_id, since=seen)} == {"PROPFIND"}


def test_changes_of_both_sides_cross(admin: SimulatorAdmin, account: SimulatedAccount, computer: _Computer) -> None:
    theirs = admin.add_event(account.apple_id, "home", "Theirs", _SPAN).rpartition("/")[2]
    computer.write("mine-0001", "Mine")
    computer.sync()

    admin.change_event(account.apple_id, "home", theirs, title="Theirs, changed")
    computer.write("mine-0001", "Mine, changed")
    computer.sync()

    assert _in_icloud(admin, account) == ["Mine, changed", "Theirs\\, changed"]
    assert computer.titles() == _in_icloud(admin, account)


def test_deletions_of_both_sides_cross(admin: SimulatorAdmin, account: SimulatedAccount, computer: _Computer) -> None:
    theirs = admin.add_event(account.apple_id, "home", "Theirs", _SPAN).rpartition("/")[2]
    for uid in ("mine-0001", "mine-0002", "mine-0003"):
        computer.write(uid, uid)
    computer.sync()

    admin.delete_object(account.apple_id, "home", theirs)
    admin.delete_object(account.apple_id, "home", "mine-0001.ics")
    computer.remove("mine-0002")
    computer.sync()

    assert computer.titles() == _in_icloud(admin, account) == ["mine-0003"]


def test_it_makes_a_calendar_and_renames_it(
    tmp_path: Path, simulator: Simulator, admin: SimulatorAdmin, account: SimulatedAccount
) -> None:
    computer = _computer(tmp_path, simulator, account, "made-on-my-computer")

    ended = [computer.run("discover", answers="y\n"), computer.run("metasync")]
    (tmp_path / "local" / "made-on-my-computer" / "displayname").write_text("Mine")
    ended.append(computer.run("metasync"))

    assert [one.returncode for one in ended] == [0, 0, 0], ended
    names = {item["path_id"]: item["name"] for item in admin.calendars(account.apple_id)}
    assert names["made-on-my-computer"] == "Mine"


def test_a_revoked_password_and_an_emptied_calendar_cost_it_nothing(
    admin: SimulatorAdmin, account: SimulatedAccount, computer: _Computer
) -> None:
    computer.write("mine-0001", "Mine")
    computer.sync()

    admin.empty_calendar(account.apple_id, "home")
    emptied = computer.run("sync")
    admin.revoke_app_password(account.apple_id)
    revoked = computer.run("sync")

    assert (emptied.returncode, revoked.returncode) == (1, 1)
    assert computer.titles() == ["Mine"]
