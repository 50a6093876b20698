"""What the sync-worker costs: idle polls, one change, first imports, many accounts in one process.

    python benchmarks/worker.py [--quick]

It starts a MongoDB, a Kafka and an iCloud simulator of its own. Every table measures real worker processes: their CPU
is the process's own, with claims, heartbeats, Kafka and all; requests are those that the simulator saw. Next to it
stands python-caldav, kept up to date its own way. The exit code is 1 where a count, a size or a ratio misses its goal;
rates, and CPU in seconds, depend on the machine and are shown beside their goals.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for benchmarks.lib

import argparse
import asyncio
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, process_time

import aiohttp
import uvloop
from benchmarks.lib.worker_process import Heard, Worker, listening, worker
from benchmarks.lib.worker_results import PythonCaldav, Results, Spent, shown, tell
from benchmarks.lib.worker_world import CALENDAR, CHANCE, NOW, Servers, World, servers, text, world
from rich.console import Console
from rich.table import Table

from icloud import AppleCredential, Home, ICloud
from icloud_simulator.client import SimulatedAccount

DAY = 24 * 3600
FORTNIGHT_ENDS = int(NOW.timestamp()) // DAY * DAY + 14 * DAY
LATENCY_SECONDS = 0.15
POLLED = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    polled_sizes: tuple[int, ...]
    imported_sizes: tuple[int, ...]
    giants: int
    with_python_caldav: int
    """Up to so many events: it needs a request for each of them."""
    turns: int
    """Of six passes each."""
    changes: int
    fleets: tuple[int, ...]
    seconds: float


WHOLE = Plan((100, 1_000, 10_000), (1_000, 10_000, 50_000), 40, 1_000, 4, 5, (100, 300, 1_000), 8)
QUICK = Plan((100, 500, 2_000), (500, 2_000), 5, 500, 1, 2, (100, 200), 3)


@dataclass(frozen=True, slots=True)
class Imported:
    """An account that was taken in: by us as a connection, and perhaps by python-caldav."""

    connection_id: str
    owner: SimulatedAccount
    caldav: PythonCaldav | None


async def measure_imports(world: World, plan: Plan, results: Results) -> dict[int, Imported]:
    """Each by a fresh process; returns the accounts by size."""
    first = results.table(
        "First import, one calendar, a fresh worker process each",
        "≤ 60 requests and ≤ 4 s CPU for 10,000; ≤ 256 MB whatever the size",
        *("events", "requests", "CPU s", "peak RSS MB", "first fortnight on Kafka, s", "all, s", "python-caldav"),
    )
    again = results.table(
        "One event more and a dead token: all is listed and compared",
        "≤ 256 MB whatever the size",
        *("events", "requests", "CPU s", "peak RSS MB"),
    )
    return {
        size: await _imported(world, size, plan, results, (first, again))
        for size in sorted({*plan.polled_sizes, *plan.imported_sizes})
    }


async def _imported(world: World, size: int, plan: Plan, results: Results, tables: tuple[Table, Table]) -> Imported:
    tell(f"importing {size:,} events")
    owner = await asyncio.to_thread(world.account, size)
    async with listening(world) as heard, worker(world) as mine:
        world.admin.forget_requests()
        _, before = mine.memory()
        cpu, began = mine.cpu(), perf_counter()
        (one,) = await world.connect([owner])
        await world.until([one], 1)
        await heard.until(one, size)
        ours, (_, peak) = Spent(world.traffic()[0], 1e3 * (mine.cpu() - cpu)), mine.memory()
        near, whole = (heard.last(one, until) - began for until in (FORTNIGHT_ENDS, sys.maxsize))
        again = await _listed_again(world, mine, owner, one)
        tables[1].add_row(f"{size:,}", shown(again.requests), shown(again.cpu_ms / 1e3), shown(mine.memory()[1]))
        results.hold(f"listing of {size:,} again: peak RSS MB", mine.memory()[1], 256)
    caldav, theirs = None, None
    if size <= plan.with_python_caldav:
        caldav = PythonCaldav(world, owner)
        theirs = caldav.take_in()
        results.hold(f"import of {size:,}: requests for one of python-caldav", ours.requests / theirs.requests, 0.2)
    memory = f"{peak:.0f}, {before:.0f} of it before"
    tables[0].add_row(
        *(f"{size:,}", shown(ours.requests), shown(ours.cpu_ms / 1e3), memory, shown(near), shown(whole)),
        str(theirs or ""),
    )
    results.hold(f"import of {size:,}: requests", ours.requests, 60 * max(size / 10_000, 1))
    results.hold(f"import of {size:,}: peak RSS MB", peak, 256)
    return Imported(one, owner, caldav)


async def _listed_again(world: World, mine: Worker, owner: SimulatedAccount, one: str) -> Spent:
    await asyncio.to_thread(_touch, world, owner)
    await asyncio.to_thread(world.admin.expire_tokens, owner.apple_id, CALENDAR)
    world.admin.forget_requests()
    cpu = mine.cpu()
    await world.wake([one])
    await world.until([one], 2)
    return Spent(world.traffic()[0], 1e3 * (mine.cpu() - cpu))


async def measure_giants(world: World, plan: Plan, results: Results) -> None:
    tell(f"importing {plan.giants} events of 1 MB")
    table = results.table("First import of large events", "≤ 256 MB", "events", "requests", "CPU s", "peak RSS MB")
    owner = await asyncio.to_thread(world.giants, plan.giants)
    async with listening(world) as heard, worker(world) as mine:
        world.admin.forget_requests()
        cpu = mine.cpu()
        (one,) = await world.connect([owner])
        await world.until([one], 1)
        await heard.until(one, plan.giants)
        peak = mine.memory()[1]
        table.add_row(f"{plan.giants} of 1 MB", *map(shown, (world.traffic()[0], mine.cpu() - cpu, peak)))
    results.hold("import of events of 1 MB: peak RSS MB", peak, 256)


async def measure_polls(world: World, imported: Mapping[int, Imported], plan: Plan, results: Results) -> None:
    """Idle polls and single changes: `POLLED` connections to one account, in the state that the import left."""
    idle = results.table(
        f"Idle poll of an account with one calendar, {POLLED} due at once, one worker process",
        "1 request, ≤ 4 KB, ≤ 2 ms, of it ≤ 1 ms bookkeeping",
        *("events", "requests", "over six passes", "KB", "CPU ms", "of it client", "our bookkeeping", "python-caldav"),
    )
    changed = results.table(
        f"One changed event, {POLLED} due at once",
        "≤ 3 requests, ≤ 10 ms",
        *("events", "requests", "CPU ms", "of it idle", "python-caldav"),
    )
    async with listening(world) as heard, worker(world) as mine:
        for size in plan.polled_sizes:
            tell(f"polling {size:,} events")
            account = imported[size]
            ids = await world.multiply(account.connection_id, account.owner, POLLED)
            poll = await _idle(world, mine, ids, plan.turns)
            client = await _client_alone(world, account.owner)
            peers = _peers(world, account)
            idle.add_row(
                *(f"{size:,}", shown(poll.requests), shown(poll.over_six), shown(poll.kilobytes), shown(poll.cpu_ms)),
                *(shown(client), shown(poll.cpu_ms - client), str(peers[0] if peers else "")),
            )
            results.hold(f"idle poll of {size:,}: requests", poll.requests, 1)
            results.hold(f"idle poll of {size:,}: KB", poll.kilobytes, 4)
            change = await _change(world, mine, (account, ids), heard, plan.changes)
            changed.add_row(
                *(f"{size:,}", shown(change.requests), shown(change.cpu_ms), shown(poll.cpu_ms)),
                str(peers[1] if peers else ""),
            )
            results.hold(f"one change in {size:,}: requests", change.requests, 3)
            if peers and size >= 1_000:
                results.hold(f"idle poll of {size:,}: CPU for one of theirs", poll.cpu_ms / peers[0].cpu_ms, 0.25)
                results.hold(f"one change in {size:,}: CPU for one of theirs", change.cpu_ms / peers[1].cpu_ms, 0.5)


@dataclass(frozen=True, slots=True)
class Poll:
    requests: float
    over_six: float
    kilobytes: float
    cpu_ms: float


async def _idle(world: World, mine: Worker, ids: Sequence[str], turns: int) -> Poll:
    """Whole turns of six passes, of which one asks the calendars whatever their ctags say."""
    done = await world.passes(ids)
    costs = []
    for _ in range(6 * turns):
        world.admin.forget_requests()
        cpu = mine.cpu()
        await world.wake(ids)
        done += len(ids)
        await world.until(ids, done)
        requests, size = world.traffic()
        costs.append((requests / len(ids), size / 1024 / len(ids), 1e3 * (mine.cpu() - cpu) / len(ids)))
    fewest = min(costs)[0]
    usual = [cost for cost in costs if cost[0] == fewest]
    kilobytes, cpu_ms = (sum(cost[n] for cost in usual) / len(usual) for n in (1, 2))
    return Poll(fewest, sum(cost[0] for cost in costs) / len(costs), kilobytes, cpu_ms)


async def _client_alone(world: World, owner: SimulatedAccount) -> float:
    """CPU ms of the one question of an idle poll, asked by our client in this process."""
    home = Home(owner.principal, owner.base, owner.home, ())
    async with ICloud(world.endpoint) as icloud:
        account = icloud.account(AppleCredential(owner.apple_id, owner.app_password), home)
        await asyncio.gather(*(account.calendars() for _ in range(POLLED)))
        cpu = process_time()
        for _ in range(5):
            await asyncio.gather(*(account.calendars() for _ in range(POLLED)))
        return 1e3 * (process_time() - cpu) / 5 / POLLED


def _peers(world: World, account: Imported) -> tuple[Spent, Spent] | None:
    """What an idle poll and one change cost python-caldav, in the same calendar."""
    if account.caldav is None:
        return None
    account.caldav.sync()
    idle = account.caldav.sync()
    _touch(world, account.owner)
    return idle, account.caldav.sync()


def _touch(world: World, owner: SimulatedAccount) -> None:
    uid = str(uuid.UUID(int=CHANCE.getrandbits(128)))
    world.admin.put_object(owner.apple_id, CALENDAR, f"{uid}.ics", text(uid, 30))


async def _change(world: World, mine: Worker, whose: tuple[Imported, Sequence[str]], heard: Heard, times: int) -> Spent:
    """One event changes for all connections to the account: each has the whole work of it."""
    account, ids = whose
    done, costs = await world.passes(ids), []
    # The first one also finds what python-caldav's turn has left behind.
    for _ in range(times + 1):
        await asyncio.to_thread(_touch, world, account.owner)
        before = {one: heard.count(one) for one in ids}
        world.admin.forget_requests()
        cpu = mine.cpu()
        await world.wake(ids)
        done += len(ids)
        await world.until(ids, done)
        for one in ids:
            await heard.until(one, before[one] + 1)
        costs.append((world.traffic()[0] / len(ids), 1e3 * (mine.cpu() - cpu) / len(ids)))
    requests, cpu_ms = (sum(cost[n] for cost in costs[1:]) / times for n in range(2))
    return Spent(requests, cpu_ms)


async def measure_fleet(world: World, plan: Plan, results: Results) -> None:
    """As many polls as one process can do: whatever it has done is due again at once."""
    table = results.table(
        f"One worker process, every account always due, {1e3 * LATENCY_SECONDS:.0f} ms latency",
        "≥ 300 polls/s with ≥ 100 in flight on one core, ≤ 256 MB",
        *("accounts", "polls/s", "in flight", "CPU ms a poll", "polls/s on a core", "RSS MB"),
    )
    ids: list[str] = []
    async with worker(world) as mine, aiohttp.ClientSession() as session:
        for size in plan.fleets:
            tell(f"{size:,} accounts in one process")
            with ThreadPoolExecutor(4) as pool:
                owners = list(pool.map(world.account, [10] * (size - len(ids))))
            ids += await world.connect(owners)
            await world.until_read(ids)
            world.admin.set_faults(latency_seconds=LATENCY_SECONDS)
            rate, in_flight, cpu = await _polled(world, mine, session, ids, plan.seconds)
            world.admin.clear_faults()
            resident, peak = mine.memory()
            table.add_row(f"{size:,}", *map(shown, (rate, in_flight, cpu, 1e3 / cpu, resident)))
            results.hold(f"{size:,} accounts: peak RSS MB", peak, 256)


async def _polled(
    world: World, mine: Worker, session: aiohttp.ClientSession, ids: Sequence[str], seconds: float
) -> tuple[float, float, float]:
    async def keep_due() -> None:
        while True:
            await world.wake(ids)
            await asyncio.sleep(0.1)

    waking = asyncio.create_task(keep_due())
    try:
        await asyncio.sleep(seconds / 4)
        done, cpu, began, in_flight = await world.passes(ids), mine.cpu(), perf_counter(), []
        while perf_counter() < began + seconds:
            in_flight.append(await mine.metric(session, "calsync_sync_passes_running"))
            await asyncio.sleep(seconds / 20)
        done, took, cpu = await world.passes(ids) - done, perf_counter() - began, mine.cpu() - cpu
    finally:
        waking.cancel()
        await asyncio.wait([waking])
    return done / took, sum(in_flight) / len(in_flight), 1e3 * cpu / done


async def measure(running: Servers, plan: Plan, results: Results) -> None:
    async with world(running) as here:
        imported = await measure_imports(here, plan, results)
        await measure_giants(here, plan, results)
        await measure_polls(here, imported, plan, results)
        await measure_fleet(here, plan, results)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, within a minute")
    plan = QUICK if parser.parse_args().quick else WHOLE
    results = Results()
    tell("starting MongoDB, Kafka and a simulator")
    with servers() as running, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(running, plan, results))
    console = Console(width=140)
    for table in results.tables:
        console.print(table)
    for missed in results.missed:
        print(f"missed: {missed}")
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
