"""First imports: how much they ask, take and hold, and when the days that are booked next are there."""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from benchmarks.lib.worker_process import Worker, listening, worker
from benchmarks.lib.worker_results import PythonCaldav, Results, Spent, shown, tell
from benchmarks.lib.worker_world import CALENDAR, CHANCE, NOW, World, text
from rich.table import Table

from icloud_simulator.client import SimulatedAccount

DAY = 24 * 3600
FORTNIGHT_ENDS = int(NOW.timestamp()) // DAY * DAY + 14 * DAY


@dataclass(frozen=True, slots=True)
class Imported:
    """An account that was taken in: by us as a connection, and perhaps by python-caldav."""

    connection_id: str
    owner: SimulatedAccount
    caldav: PythonCaldav | None


async def measure_imports(
    world: World, sizes: Sequence[int], results: Results, *, with_python_caldav: int
) -> dict[int, Imported]:
    """Each by a fresh process; returns the accounts by size. python-caldav takes part up to so many events."""
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
        size: await _imported(world, size, results, (first, again), with_python_caldav=size <= with_python_caldav)
        for size in sizes
    }


async def _imported(
    world: World, size: int, results: Results, tables: tuple[Table, Table], *, with_python_caldav: bool
) -> Imported:
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
    if with_python_caldav:
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
    await asyncio.to_thread(touch, world, owner)
    await asyncio.to_thread(world.admin.expire_tokens, owner.apple_id, CALENDAR)
    world.admin.forget_requests()
    cpu = mine.cpu()
    await world.wake([one])
    await world.until([one], 2)
    return Spent(world.traffic()[0], 1e3 * (mine.cpu() - cpu))


async def measure_giants(world: World, giants: int, results: Results) -> None:
    tell(f"importing {giants} events of 1 MB")
    table = results.table("First import of large events", "≤ 256 MB", "events", "requests", "CPU s", "peak RSS MB")
    owner = await asyncio.to_thread(world.giants, giants)
    async with listening(world) as heard, worker(world) as mine:
        world.admin.forget_requests()
        cpu = mine.cpu()
        (one,) = await world.connect([owner])
        await world.until([one], 1)
        await heard.until(one, giants)
        peak = mine.memory()[1]
        table.add_row(f"{giants} of 1 MB", *map(shown, (world.traffic()[0], mine.cpu() - cpu, peak)))
    results.hold("import of events of 1 MB: peak RSS MB", peak, 256)


def touch(world: World, owner: SimulatedAccount) -> None:
    """One event more."""
    uid = str(uuid.UUID(int=CHANCE.getrandbits(128)))
    world.admin.put_object(owner.apple_id, CALENDAR, f"{uid}.ics", text(uid, 30))
