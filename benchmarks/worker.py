"""What the sync-worker costs: idle polls, one change, first imports, many accounts in one process.

    python -P benchmarks/worker.py [--quick] [--only imports|polls|fleet]

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
from dataclasses import dataclass

import uvloop
from benchmarks.lib.worker_fleet import measure_fleet
from benchmarks.lib.worker_imports import measure_giants, measure_imports
from benchmarks.lib.worker_polls import measure_polls
from benchmarks.lib.worker_results import Results, tell
from benchmarks.lib.worker_servers import Servers, servers
from benchmarks.lib.worker_world import world
from rich.console import Console

TABLES = ("imports", "polls", "fleet")


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


WHOLE = Plan((100, 1_000, 10_000), (1_000, 10_000, 50_000), 40, 1_000, 4, 3, (100, 300, 1_000), 6)
QUICK = Plan((100,), (2_000,), 5, 100, 1, 1, (200,), 3)


async def measure(running: Servers, plan: Plan, tables: tuple[str, ...], results: Results) -> None:
    async with world(running) as here:
        sizes = {*plan.polled_sizes} if "polls" in tables else set()
        sizes |= {*plan.imported_sizes} if "imports" in tables else set()
        imported = {}
        if sizes:
            imported = await measure_imports(here, sorted(sizes), results, with_python_caldav=plan.with_python_caldav)
        if "imports" in tables:
            await measure_giants(here, plan.giants, results)
        if "polls" in tables:
            polled = {size: imported[size] for size in plan.polled_sizes}
            await measure_polls(here, polled, results, turns=plan.turns, changes=plan.changes)
        if "fleet" in tables:
            await measure_fleet(here, plan.fleets, results, seconds=plan.seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, within a minute")
    parser.add_argument("--only", choices=TABLES, help="nothing else")
    said = parser.parse_args()
    plan, results = QUICK if said.quick else WHOLE, Results()
    tell("starting MongoDB, Kafka and a simulator")
    with servers() as running, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(running, plan, (said.only,) if said.only else TABLES, results))
    console = Console(width=140)
    for table in results.tables:
        console.print(table)
    for missed in results.missed:
        print(f"missed: {missed}")
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
