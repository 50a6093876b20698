"""What an idle poll costs the iCloud simulator, and whether the size of an account matters.

    python benchmarks/simulator.py [--accounts 2000] [--polls 6000] [--rounds 5]

A simulator of its own runs as a process over a folder of accounts. The asking costs CPU, too, so that seconds on the
clock say little: rates are polls per second of the simulator's own CPU, which is what one core can do. Fails where a
ratio fails, as rates depend on the machine.
"""

import argparse
import asyncio
import base64
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from icloud_simulator.accounts import NewAccount, OpenedAccount, open_account
from icloud_simulator.calendars import NewCalendar, add_calendar
from icloud_simulator.journal import FileJournal
from icloud_simulator.objects import write
from icloud_simulator.world import World

CALENDARS = 5
EVENTS = 10_000
CONNECTIONS = 16
RATE_GOAL = 1_000
# Both sides answer from the same kind of prepared listing; what is over 1 is the measuring.
RATIO_GOAL = 1.25
_TWO_ARE_THERE = 2  # home and work; the list of reminders is no calendar of events
BODY = (
    b'<?xml version="1.0" encoding="UTF-8"?><propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    b'xmlns:S="http://calendarserver.org/ns/" xmlns:I="http://apple.com/ns/ical/"><prop><displayname/><resourcetype/>'
    b"<current-user-privilege-set/><sync-token/><C:supported-calendar-component-set/><S:getctag/><S:source/>"
    b"<I:calendar-color/></prop></propfind>"
)
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\nBEGIN:VEVENT\r\nUID:{n}\r\n"
    "DTSTAMP:20261101T000000Z\r\nDTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nSUMMARY:Event {n}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass(frozen=True)
class Cost:
    """What some polls cost the simulator, and how the asking went."""

    polls: int
    cpu: float
    seconds: float

    @property
    def per_core(self) -> float:
        return self.polls / self.cpu


@dataclass(frozen=True)
class Fleet:
    """The accounts that are asked, as whole requests."""

    everybody: Sequence[bytes]
    empty: bytes
    full: bytes


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


def poll(opened: OpenedAccount) -> bytes:
    login = base64.b64encode(f"{opened.account.apple_id}:{opened.app_password}".encode())
    head = (
        f"PROPFIND {opened.account.home} HTTP/1.1\r\nHost: localhost\r\nDepth: 1\r\nAccept-Encoding: gzip\r\n"
        f"Content-Type: application/xml; charset=utf-8\r\nContent-Length: {len(BODY)}\r\nAuthorization: Basic "
    )
    return head.encode() + login + b"\r\n\r\n" + BODY


def settle(folder: Path, accounts: int) -> Fleet:
    """Write the journal that the simulator wakes up with."""
    world = World(FileJournal(folder))
    opened = [open_account(world, NewAccount()) for _ in range(accounts)]
    empty, full = (open_account(world, NewAccount()) for _ in range(2))
    for one in (*opened, empty, full):
        for number in range(CALENDARS - _TWO_ARE_THERE):
            add_calendar(world, one.account.apple_id, NewCalendar(f"Calendar {number}"))
    calendars = [mount for mount in full.account.mounts.values() if mount.writable and mount.path_id != "tasks"]
    for number, mount in enumerate(calendars):
        names = range(number, EVENTS, len(calendars))
        write(world, mount, ((f"{n}.ics", EVENT.format(n=n)) for n in names))
    world.journal.close()
    return Fleet([poll(one) for one in opened], poll(empty), poll(full))


@contextmanager
def simulator(folder: Path) -> Iterator[tuple[psutil.Process, int, float]]:
    """Run one as users do. Yields its process, its port and the seconds until it listened."""
    command = [sys.executable, "-m", "icloud_simulator", "--port", "0", "--admin-port", "0"]
    begun = time.perf_counter()
    process = subprocess.Popen([*command, "--data", str(folder), "--seed", "none"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        yield psutil.Process(process.pid), port, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


async def ask(port: int, requests: Iterable[bytes]) -> int:
    """Send requests over some connections that stay open. Returns the size of the last answer's body."""
    waiting = iter(requests)
    sizes = await asyncio.gather(*(_one_by_one(port, waiting) for _ in range(CONNECTIONS)))
    return max(sizes)


async def _one_by_one(port: int, waiting: Iterator[bytes]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    size = 0
    for request in waiting:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 207"):
            raise RuntimeError(head.split(b"\r\n", 1)[0])
        lengths = (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        size = int(next(lengths).split(b":")[1])
        await reader.readexactly(size)
    writer.close()
    await writer.wait_closed()
    return size


def measured(process: psutil.Process, port: int, requests: Sequence[bytes], polls: int) -> Cost:
    before, begun = process.cpu_times(), time.perf_counter()
    asyncio.run(ask(port, islice(cycle(requests), polls)))
    after, ended = process.cpu_times(), time.perf_counter()
    return Cost(polls, after.user + after.system - before.user - before.system, ended - begun)


def compared(process: psutil.Process, port: int, fleet: Fleet, polls: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU for a poll of the empty and of the full account, asked in turn."""
    costs: dict[bytes, list[float]] = {fleet.empty: [], fleet.full: []}
    for number in range(rounds):
        for request in (fleet.empty, fleet.full) if number % 2 == 0 else (fleet.full, fleet.empty):
            costs[request].append(measured(process, port, [request], polls).cpu / polls * 1000)
    return statistics.median(costs[fleet.empty]), statistics.median(costs[fleet.full])


def main() -> int:
    """Print the table; 1 when a ratio fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--polls", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table = Table(
        "what", "goal", "measured", title="iCloud simulator, a poll is one PROPFIND of the home", title_justify="left"
    )
    with tempfile.TemporaryDirectory() as name:
        tell(f"{options.accounts} accounts of {CALENDARS} calendars, and one with {EVENTS} events")
        fleet = settle(Path(name), options.accounts)
        with simulator(Path(name)) as (process, port, started):
            first = measured(process, port, fleet.everybody, len(fleet.everybody))
            idle = measured(process, port, fleet.everybody, options.polls)
            small = asyncio.run(ask(port, [fleet.full]))
            empty, full = compared(process, port, fleet, options.polls // 2, options.rounds)
            memory = process.memory_info().rss
    crowd = f"{options.accounts} accounts of {CALENDARS} calendars"
    table.add_row(f"idle poll, {crowd}", f"≥ {RATE_GOAL}/s a core", f"{idle.per_core:.0f}/s a core")
    table.add_row("  the same on the clock, with the asking", "", f"{idle.polls / idle.seconds:.0f}/s")
    table.add_row("  the first one after a change", "", f"{first.per_core:.0f}/s a core")
    table.add_row("  its body, gzipped", "", f"{small} bytes")
    table.add_row("idle poll, empty account", "", f"{empty:.3f} ms CPU")
    table.add_row(f"idle poll, {EVENTS} events", "", f"{full:.3f} ms CPU")
    table.add_row("  ratio", f"≤ {RATIO_GOAL}", f"{full / empty:.2f}")
    table.add_row("start with all of it on disk", "", f"{started:.1f} s")
    table.add_row("memory", "", f"{memory / 2**20:.0f} MiB")
    Console().print(table)
    return 0 if full <= RATIO_GOAL * empty else 1


if __name__ == "__main__":
    sys.exit(main())
