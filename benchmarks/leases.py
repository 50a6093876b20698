"""What claiming due connections costs: in batches, as workers do, against one at a time, at three sizes.

    python benchmarks/leases.py [--seconds 3]

It starts a MongoDB of its own. Everything is overdue, and one connection in 500 is under way already, those that were
due first, as with workers that have been at it for a while. Both ways write the same lease to the same documents on the
same indexes; nothing is given back. The exit code is 1 where batches are not 20 times faster at a million connections,
where one connection was claimed twice, or where one account's nine tenths keep the others from being claimed first.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from rich.console import Console
from rich.table import Table

from local_stack.servers import MongoServer
from runtime.mongo import connect
from runtime.settings import MongoSettings, load
from sync_worker.outbound.mongo import MongoLeases, make_indexes
from sync_worker.outbound.mongo.collections import BUCKETS, CONNECTIONS, later, literal
from sync_worker.outbound.mongo.indexes import DUE
from sync_worker.outbound.mongo.leases import DUE_AND_FREE, ONE_MORE

SIZES = (10_000, 100_000, 1_000_000)
WORKERS = 8
BATCH = 50
UNDER_WAY = 500
LEASE = timedelta(minutes=10)
GOAL = 20.0
PAUSE = 0.1
SHARE_GOAL = 0.2
GIANT = "giant"
Client = AsyncIOMotorClient[dict[str, Any]]
Claimed = list[tuple[str, str]]
"""Ids and accounts of what one worker has claimed."""


def tell(what: str) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)


async def fill(client: Client, database: str, size: int, account: dict[str, Any]) -> None:
    """So many overdue connections, made by the server: sending a million would take longer than all the rest."""
    rows, number = 1_000, {"$add": [{"$multiply": ["$_id", size // 1_000]}, "$n"]}
    await client[database]["seeds"].insert_many([{"_id": n} for n in range(rows)])
    overdue = datetime.now(UTC) - timedelta(hours=2)
    pipeline: list[dict[str, Any]] = [
        {"$project": {"n": {"$range": [0, size // rows]}}},
        {"$unwind": "$n"},
        {"$project": {"_id": {"$concat": ["connection-", {"$toString": number}]}, "n": number}},
        {
            "$project": {
                "account_id": account,
                "user_id": {"$concat": ["user-", {"$toString": "$n"}]},
                "epoch": literal(1),
                "revision": literal(1),
                "state": "active",
                "time_zone": "Europe/Paris",
                "as_of": literal(overdue),
                # Neighbours in number are strangers in bucket and in time, as with hashed ids.
                "bucket": {"$toInt": {"$mod": [{"$multiply": ["$n", 40_503]}, BUCKETS]}},
                "next_sync_at": {"$add": [literal(overdue), {"$mod": [{"$multiply": ["$n", 7_919]}, 3_600_000]}]},
                "wakes": literal(1),
                "passes": literal(1),
            }
        },
        {"$out": CONNECTIONS},
    ]
    await client[database]["seeds"].aggregate(pipeline).to_list(None)
    await make_indexes(client, database)
    connections = client[database][CONNECTIONS]
    (first_free,) = await connections.find().sort("next_sync_at", 1).skip(size // UNDER_WAY).limit(1).to_list(1)
    lease = {"owner": "another", "token": "another", "until": overdue + timedelta(days=1)}
    await connections.update_many({"next_sync_at": {"$lt": first_free["next_sync_at"]}}, {"$set": {"lease": lease}})


async def in_batches(client: Client, database: str, until: float, *, pause: float = 0) -> Claimed:
    """As workers claim; with a pause, as workers that have something to do between."""
    leases, claimed = MongoLeases(client, owner=uuid4().hex, length=LEASE, database=database), Claimed()
    busy: Counter[str] = Counter()
    while time.perf_counter() < until:
        claims = await leases.claim(BATCH, busy)
        if not claims:
            break
        claimed += [(claim.connection_id, claim.account_id) for claim in claims]
        # As a worker of two hundred places, whose passes end in the order in which they began.
        busy = Counter(account for _, account in claimed[-200:])
        await asyncio.sleep(pause)
    return claimed


async def one_at_a_time(client: Client, database: str, until: float) -> Claimed:
    """The longest due one that is free, over and over."""
    claimed = Claimed()
    while time.perf_counter() < until:
        lease = {"owner": "baseline", "token": literal(uuid4().hex), "until": later(int(LEASE.total_seconds() * 1000))}
        found: dict[str, Any] | None = await client[database][CONNECTIONS].find_one_and_update(
            {"bucket": {"$gte": 0}} | DUE_AND_FREE,
            [{"$set": {"lease": lease, "fence": ONE_MORE}}],
            sort=[("next_sync_at", 1)],
            hint=DUE,
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            break
        claimed.append((found["_id"], found["account_id"]))
    return claimed


async def measure(
    client: Client, database: str, seconds: float, way: Callable[[Client, str, float], Awaitable[Claimed]]
) -> tuple[float, Claimed]:
    """Claims per second of several workers at once, and what they claimed."""
    began = time.perf_counter()
    found = await asyncio.gather(*(way(client, database, began + seconds) for _ in range(WORKERS)))
    claimed = [one for worker in found for one in worker]
    return len(claimed) / (time.perf_counter() - began), claimed


def doubles(claimed: Claimed) -> int:
    return len(claimed) - len({one for one, _ in claimed})


async def compare(client: Client, size: int, seconds: float, table: Table) -> tuple[float, int]:
    """How many times faster batches are, and what was claimed twice."""
    database = f"leases_{size}"
    tell(f"making {size:,} connections")
    await fill(client, database, size, {"$concat": ["account-", {"$toString": {"$mod": ["$n", size // 20]}}]})
    tell("claiming")
    rates, twice = [], 0
    claimed = Claimed()
    for name, way in (("one at a time (baseline)", one_at_a_time), (f"in batches of {BATCH}", in_batches)):
        rate, found = await measure(client, database, seconds, way)
        rates.append(rate)
        claimed += found
        twice = doubles(claimed)
        table.add_row(f"{size:,}", name, f"{rate:,.0f}", f"{rate / rates[0]:.1f} times", f"{twice}")
    await client.drop_database(database)
    return rates[-1] / rates[0], twice


async def crowd(client: Client, size: int, seconds: float, table: Table) -> tuple[float, int]:
    """The others' share where nine of ten connections are one account's."""
    tell(f"making {size:,} connections, nine of ten of one account")
    others = {"$concat": ["account-", {"$toString": {"$mod": ["$n", size // 20]}}]}
    await fill(client, "crowded", size, {"$cond": [{"$mod": ["$n", 10]}, GIANT, others]})
    tell("claiming")
    rate, claimed = await measure(client, "crowded", seconds, partial(in_batches, pause=PAUSE))
    share = sum(account != GIANT for _, account in claimed) / max(len(claimed), 1)
    table.add_row(f"{size:,}", f"{rate:,.0f}", "10 %", f"{share:.0%}", f"{doubles(claimed)}")
    await client.drop_database("crowded")
    return share, doubles(claimed)


async def run(url: str, seconds: float) -> bool:
    """Print the tables; whether everything is as it should be."""
    client: Client = connect(
        load(MongoSettings, {"CALSYNC_MONGODB_URL": url, "CALSYNC_MONGODB_TIMEOUT": "PT5M"}), "benchmark"
    )
    claims = Table("connections due", "", "claims/s", "against one at a time", "claimed twice")
    claims.title = f"{WORKERS} workers at once claim"
    fairness = Table("connections due", "claims/s", "others among the due", "among the claimed", "claimed twice")
    fairness.title = f"Nine of ten are one CrocoClick account's; each worker claims every {1000 * PAUSE:.0f} ms"
    results = [await compare(client, size, seconds, claims) for size in SIZES]
    share, twice = await crowd(client, SIZES[1], seconds, fairness)
    client.close()
    console = Console(width=120)
    console.print(claims)
    console.print(fairness)
    return results[-1][0] >= GOAL and not twice + sum(each for _, each in results) and share >= SHARE_GOAL


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        mongodb = MongoServer(Path(name) / "mongodb")
        try:
            tell("starting MongoDB")
            mongodb.start()
            good = asyncio.run(run(mongodb.url, seconds))
        finally:
            mongodb.stop()
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
