"""Bookings that never collide: several processes want the same time at the same moment, and some are killed.

    python -P benchmarks/bookings.py [--attempts 10000]

It starts a MongoDB of its own, and stops it. The same contest runs without the guard, in a transaction alone; that it
finds overlaps there shows that it would find them here. Exit code 1 when the guarded way overlaps or loses a booking,
or the naive one does not overlap. Times depend on the machine, which also carries MongoDB: compare the two rows.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import quantiles

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for services.availability.tests

from motor.motor_asyncio import AsyncIOMotorClient
from rich.console import Console
from rich.table import Table
from services.availability.tests.contender import Orders
from services.availability.tests.contest import Outcome, contest

from availability.outbound.mongo import MongoTimeline
from local_stack.servers import MongoServer
from runtime.clock import system_clock

PROCESSES, LANES, USERS, KILLS = 4, 4, 4, 6
GOAL_P99_MS = 250
SEED = 20260328


async def held(mongodb: str, name: str, *, attempts: int, guarded: bool) -> Outcome:
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongodb)
    await MongoTimeline(client, system_clock, name).prepare()
    client.close()
    orders = Orders(mongodb, name, SEED, attempts // PROCESSES, LANES, USERS, guarded, time.time() + 1)
    print(f"{name}: {attempts:,} attempts by {PROCESSES} processes …", file=sys.stderr, flush=True)
    chance = Random(SEED)  # noqa: S311 - the same kills in every run
    return await contest(orders, processes=PROCESSES, kills=KILLS if guarded else 0, chance=chance)


def row(table: Table, name: str, outcome: Outcome) -> None:
    cuts = quantiles(outcome.took, n=100)
    later = sum(count for what, count in outcome.told.items() if what.rpartition(" ")[2] in {"AskLater", "failed"})
    done = sum(count for what, count in outcome.told.items() if what.endswith("done"))
    table.add_row(
        name,
        f"{outcome.attempts:,}",
        f"{done:,}",
        f"{later:,}",
        str(outcome.kills),
        f"{outcome.attempts / outcome.seconds:,.0f}",
        f"{cuts[49]:.0f}",
        f"{cuts[98]:.0f}",
        str(outcome.overlaps),
        str(outcome.lost),
    )


async def measure(mongodb: str, attempts: int) -> int:
    guarded = await held(mongodb, "guarded", attempts=attempts, guarded=True)
    naive = await held(mongodb, "naive", attempts=attempts // 8, guarded=False)
    table = Table(
        "way", "attempts", "done", "refused later", "kills", "a second", "p50 ms", "p99 ms", "overlaps", "lost"
    )
    table.title = (
        f"{PROCESSES} processes, {LANES} attempts at once in each, {USERS} users (goal: p99 ≤ {GOAL_P99_MS} ms)"
    )
    row(table, "guard", guarded)
    row(table, "transaction alone (naive)", naive)
    Console(width=120).print(table)
    sound = guarded.overlaps == 0 and guarded.lost == 0 and naive.overlaps > 0
    print("The guard holds." if sound else "The contest failed.")
    return 0 if sound else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--attempts", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        mongodb = MongoServer(Path(name) / "mongodb")
        try:
            mongodb.start()
            return asyncio.run(measure(mongodb.url, arguments.attempts))
        finally:
            mongodb.stop()


if __name__ == "__main__":
    sys.exit(main())
