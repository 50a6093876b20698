"""What reading Apple's server costs: an idle poll, fifty objects, two hundred slow connections.

    python benchmarks/icloud.py [--events 10000] [--rounds 3]

Ours stands next to python-caldav and to httpx with one pool, which asks our very question and reads the answer with our
reader: that difference is the transport alone. The server is the simulator in a process of its own; costs are this
process's own CPU. The exit code is 1 if a ratio is missed: ratios hardly depend on the machine, figures do.
"""

import sys

sys.path.pop(0)  # this folder, where this very file would be taken for the package of the same name

import argparse
import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

import httpx
import uvloop
from caldav.davclient import DAVClient
from caldav.lib.url import URL
from rich.console import Console
from rich.table import Table

from icloud import AppleCredential, CalendarObject, Crossing, Endpoint, Home, ICloud
from icloud.wire import requests
from icloud.wire.calendars import listed_calendars
from icloud_simulator.apple_ics import AppleEvent, apple_text
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin

CALENDARS = [f"calendar-{number}" for number in range(5)]
IN_FLIGHT, CONNECTIONS, LATENCY_SECONDS = 100, 200, 0.15
BATCH = 50
NOON = datetime(2026, 12, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOSTS = ("127.0.0.1", "localhost")
Work = Callable[[], Awaitable[None]]


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


@dataclass(slots=True)
class Results:
    """Rows, and what missed its ratio."""

    table: Table = field(default_factory=lambda: Table("work", "goal", "ours", "baseline", "", "ratio", "ratio goal"))
    missed: list[str] = field(default_factory=list)

    def add(self, work: str, goal: str, ours: float, *baselines: tuple[str, float, float]) -> None:
        """`baselines`: whose, figure, how many times better ours has to be. Less is better unless the goal says ≥."""
        for peer, figure, wanted in baselines:
            ratio = ours / figure if "≥" in goal else figure / ours
            self.table.add_row(work, goal, shown(ours), shown(figure), peer, f"{ratio:.1f}", f"{wanted:g}")
            if ratio < wanted:
                self.missed.append(f"{work}, against {peer}")


def shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 or figure == int(figure) else f"{figure:.2f}"


@dataclass(slots=True)
class Costs:
    """Of one unit of work, round by round; medians count."""

    cpu_ms: list[float] = field(default_factory=list)
    a_second: list[float] = field(default_factory=list)

    async def measure(self, lanes: list[Work], times: int) -> None:
        """Let every lane work `times` times, all lanes at once; connections are made before."""
        await asyncio.gather(*(work() for work in lanes))
        began, cpu = perf_counter(), process_time()
        await asyncio.gather(*(repeated(work, times) for work in lanes))
        count = times * len(lanes)
        self.cpu_ms.append(1e3 * (process_time() - cpu) / count)
        self.a_second.append(count / (perf_counter() - began))


async def repeated(work: Work, times: int) -> None:
    for _ in range(times):
        await work()


@dataclass(frozen=True, slots=True)
class World:
    """A running simulator with one account."""

    url: str
    admin: SimulatorAdmin
    owner: SimulatedAccount

    @property
    def credential(self) -> AppleCredential:
        return AppleCredential(self.owner.apple_id, self.owner.app_password)

    @property
    def home(self) -> Home:
        return Home(self.owner.principal, self.owner.base, self.owner.home, ())

    def hrefs(self) -> list[str]:
        return [f"{self.owner.home}{CALENDARS[0]}/event-{number:08}.ics" for number in range(BATCH)]


@contextlib.contextmanager
def simulator(events: int) -> Iterator[World]:
    """An account with five calendars that hold `events` events."""
    program = [sys.executable, "-P", "-m", "icloud_simulator"]
    options = ["--port", "0", "--admin-port", "0", "--seed", "none"]
    with subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            _, url, admin_url = (process.stdout.readline().split()[-1] for _ in range(3))
            with SimulatorAdmin(admin_url.removesuffix("/openapi.json")) as admin:
                owner = admin.create_account(default_calendars=False)
                share = events // len(CALENDARS)
                for name in CALENDARS:
                    admin.add_calendar(owner.apple_id, name.title(), path_id=name)
                    for first in range(0, share, 1_000):
                        texts = (f"{name}-{number:08}" for number in range(first, min(first + 1_000, share)))
                        admin.put_objects(owner.apple_id, name, {f"event-{uid[-8:]}.ics": text(uid) for uid in texts})
                yield World(url, admin, owner)
        finally:
            process.terminate()


def text(uid: str) -> str:
    start = NOON + timedelta(hours=int(uid[-8:]))
    place = "12 rue des Archives, 75004 Paris, France"
    event = AppleEvent(uid=uid, title="Meeting", start=start, end=start + timedelta(hours=1), location=place)
    return apple_text(event, NOW)


@contextlib.asynccontextmanager
async def ours(world: World, lanes: int, *counters: Callable[[Crossing], None]) -> AsyncIterator[list[Work]]:
    async with ICloud(Endpoint(world.url, HOSTS), counter=next(iter(counters), None)) as icloud:
        accounts = [icloud.account(world.credential, world.home) for _ in range(lanes)]

        def polling(number: int) -> Work:
            async def poll() -> None:
                assert len(await accounts[number].calendars()) == len(CALENDARS)

            return poll

        yield [polling(number) for number in range(lanes)]


@contextlib.asynccontextmanager
async def one_pool(world: World, lanes: int) -> AsyncIterator[list[Work]]:
    """httpx with one pool."""
    request, home = requests.calendars(), world.owner.home
    headers = {**request.headers, "Authorization": world.credential.basic(), "Accept-Encoding": "gzip"}
    limits = httpx.Limits(max_connections=lanes, max_keepalive_connections=lanes)
    async with httpx.AsyncClient(limits=limits, timeout=120, trust_env=False) as client:

        async def poll() -> None:
            answer = await client.request("PROPFIND", world.owner.base + home, content=request.body, headers=headers)
            assert len(listed_calendars(answer.content, home=home, base=home)) == len(CALENDARS)

        yield [poll] * lanes


class PythonCaldav:
    """python-caldav, which blocks and is measured alone."""

    def __init__(self, world: World) -> None:
        user, password = world.credential.apple_id, world.credential.app_password
        principal = DAVClient(url=world.url, username=user, password=password).principal()  # type: ignore[no-untyped-call]  # theirs
        self._calendars = sorted(principal.calendars(), key=lambda calendar: str(calendar.url))
        assert len(self._calendars) == len(CALENDARS)
        self._kept = [calendar.get_objects_by_sync_token(load_objects=False) for calendar in self._calendars]
        self._urls = [URL(f"{world.owner.base}{href}") for href in world.hrefs()]

    async def poll(self) -> None:
        """Ask each calendar for what changed since a token, and keep nothing."""
        for calendar, kept in zip(self._calendars, self._kept, strict=True):
            changed = calendar.get_objects_by_sync_token(kept.sync_token, load_objects=False)
            assert len(changed) == 0

    async def sync(self) -> None:
        """Keep a collection up to date, as its documentation has it."""
        for kept in self._kept:
            assert kept.sync() == ([], [])

    async def multiget(self) -> None:
        found = self._calendars[0].multiget(self._urls)
        assert sum("BEGIN:VEVENT" in one.data for one in found) == BATCH


async def measure_one_poll(world: World, caldav: PythonCaldav, results: Results) -> None:
    """Requests and bytes, as the simulator saw them."""
    crossings: list[Crossing] = []
    seen: list[tuple[int, int]] = []
    async with ours(world, 1, crossings.append) as lanes:
        for poll in (lanes[0], caldav.poll):
            world.admin.forget_requests()
            await poll()
            log = world.admin.requests(world.owner.apple_id)
            seen.append((len(log), sum(one.bytes_in + one.bytes_out for one in log)))
    (mine, size), (theirs, their_size) = seen
    assert mine == len(crossings)
    results.add("idle poll: requests", "1", mine, ("python-caldav", theirs, 5))
    results.add("idle poll: bytes of bodies", "", size, ("python-caldav", their_size, 1.5))
    whole = sum(crossing.bytes_in + crossing.bytes_out for crossing in crossings)
    results.table.add_row("idle poll: bytes, heads and all", "≤ 4,096", shown(whole), "", "", "", "")


async def measure_polls(world: World, caldav: PythonCaldav, rounds: int, results: Results) -> None:
    mine, polls, syncs, pools = Costs(), Costs(), Costs(), Costs()
    for _ in range(rounds):
        async with ours(world, IN_FLIGHT) as lanes:
            await mine.measure(lanes, 10)
        await polls.measure([caldav.poll], 20)
        await syncs.measure([caldav.sync], 3)
        async with one_pool(world, IN_FLIGHT) as lanes:
            await pools.measure(lanes, 1)
    results.add(
        f"idle poll, {IN_FLIGHT} in flight: CPU ms",
        "≤ 2",
        median(mine.cpu_ms),
        ("python-caldav, sync tokens, alone", median(polls.cpu_ms), 4),
        ("python-caldav, collections, alone", median(syncs.cpu_ms), 30),
        ("httpx, one pool", median(pools.cpu_ms), 4),
    )


async def measure_objects(world: World, caldav: PythonCaldav, rounds: int, results: Results) -> None:
    mine, theirs = Costs(), Costs()
    path, hrefs = f"{world.owner.home}{CALENDARS[0]}/", world.hrefs()
    async with ICloud(Endpoint(world.url, HOSTS)) as icloud:
        account = icloud.account(world.credential, world.home)

        async def multiget() -> None:
            found = [one async for one in account.objects(path, hrefs)]
            assert sum(isinstance(one, CalendarObject) for one in found) == BATCH

        for _ in range(rounds):
            await mine.measure([multiget], 40)
            await theirs.measure([caldav.multiget], 10)
    results.add(
        f"{BATCH} objects: CPU ms", "≤ 5", median(mine.cpu_ms), ("python-caldav, multiget", median(theirs.cpu_ms), 2.5)
    )


async def measure_slow_connections(world: World, rounds: int, results: Results) -> None:
    world.admin.set_faults(latency_seconds=LATENCY_SECONDS)
    mine, pools = Costs(), Costs()
    for _ in range(rounds):
        async with ours(world, CONNECTIONS) as lanes:
            await mine.measure(lanes, 5)
        async with one_pool(world, CONNECTIONS) as lanes:
            await pools.measure(lanes, 1)
    world.admin.clear_faults()
    work = f"{CONNECTIONS} connections at {1e3 * LATENCY_SECONDS:.0f} ms"
    results.add(f"{work}: polls/s", "≥ 300", median(mine.a_second), ("httpx, one pool", median(pools.a_second), 4))
    results.add(f"{work}: CPU ms a poll", "≤ 3.3", median(mine.cpu_ms), ("httpx, one pool", median(pools.cpu_ms), 4))


async def measure(world: World, rounds: int, results: Results) -> None:
    tell("python-caldav learns the account")
    caldav = PythonCaldav(world)
    tell("idle polls")
    await measure_one_poll(world, caldav, results)
    await measure_polls(world, caldav, rounds, results)
    tell("fifty objects")
    await measure_objects(world, caldav, rounds, results)
    tell("slow connections")
    await measure_slow_connections(world, rounds, results)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    results = Results()
    tell(f"the simulator takes in {arguments.events:,} events")
    with simulator(arguments.events) as world, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(world, arguments.rounds, results))
    Console(width=140).print(results.table)
    for missed in results.missed:
        print(f"missed: {missed}")
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
