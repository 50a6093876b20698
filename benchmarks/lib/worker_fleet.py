"""As many accounts as one process can look after."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import aiohttp
from benchmarks.lib.worker_process import Worker, worker
from benchmarks.lib.worker_results import Results, shown, tell
from benchmarks.lib.worker_world import World

LATENCY_SECONDS = 0.15
EVENTS = 3


async def measure_fleet(world: World, fleets: Sequence[int], results: Results, *, seconds: float) -> None:
    """As many polls as one process can do: whatever it has done is due again at once."""
    table = results.table(
        f"One worker process, every account always due, {1e3 * LATENCY_SECONDS:.0f} ms latency",
        "≥ 300 polls/s with ≥ 100 in flight on one core, ≤ 256 MB",
        *("accounts", "polls/s", "in flight", "CPU ms a poll", "polls/s on a core", "RSS MB"),
    )
    ids: list[str] = []
    async with worker(world) as mine, aiohttp.ClientSession() as session:
        for size in fleets:
            tell(f"{size:,} accounts in one process")
            with ThreadPoolExecutor(4) as pool:
                owners = list(pool.map(world.account, [EVENTS] * (size - len(ids))))
            ids += await world.connect(owners)
            await world.until_read(ids)
            # What follows a first import, a look at the user's appointments, is no part of a poll.
            await world.wake(ids)
            await world.until_read(ids, times=2)
            world.admin.set_faults(latency_seconds=LATENCY_SECONDS)
            rate, in_flight, cpu = await _polled(world, mine, session, ids, seconds)
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
