"""Several processes book the same few users' time, some are killed on the way; then the appointments are counted."""

import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from services.availability.tests.contender import Orders

from availability.outbound.mongo import COLLECTION

CHECKOUT = Path(__file__).parents[3]


@dataclass
class Outcome:
    """What the processes told, and what is there in the end."""

    told: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    """Milliseconds of each attempt, refusals included."""
    kills: int = 0
    seconds: float = 0.0
    standing: set[str] = field(default_factory=set)
    """What was acknowledged as booked and never as called off."""
    overlaps: int = 0
    lost: int = 0

    @property
    def attempts(self) -> int:
        return len(self.took)


async def contest(orders: Orders, *, processes: int, kills: int, chance: Random) -> Outcome:
    """Run `processes` of these orders at once; `kills` of them are killed and replaced, at moments drawn by chance."""
    outcome = Outcome()
    began = asyncio.get_running_loop().time()
    lives = [_life(replace(orders, seed=orders.seed + number), outcome, chance, kills) for number in range(processes)]
    await asyncio.gather(*lives)
    outcome.seconds = asyncio.get_running_loop().time() - began
    await _count(orders, outcome)
    return outcome


async def _life(orders: Orders, outcome: Outcome, chance: Random, kills: int) -> None:
    """One process after the other until all attempts of these orders are made."""
    left, seed = orders.attempts, orders.seed
    while left > 0:
        mortal = outcome.kills < kills
        outcome.kills += mortal
        dies_after = chance.randrange(left // 8, left // 2) if mortal and left > 16 else None
        left -= await _process(replace(orders, attempts=left, seed=seed), outcome, dies_after)
        seed += 100


async def _process(orders: Orders, outcome: Outcome, dies_after: int | None) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "services.availability.tests.contender", json.dumps(asdict(orders))),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    count = 0
    async for line in process.stdout:
        if not line.endswith(b"\n"):
            break
        told = json.loads(line)
        count += "leaves" not in told
        _note(told, outcome)
        if count == dies_after:
            process.kill()
    if await process.wait() != 0 and dies_after is None:
        raise RuntimeError("a contender failed")
    return max(count, 1)


def _note(told: dict[str, str], outcome: Outcome) -> None:
    if "leaves" in told:
        outcome.standing.discard(told["leaves"])
        return
    outcome.told[f"{told['what']} {told['outcome']}"] += 1
    outcome.took.append(float(told["ms"]))
    if told["outcome"] == "done" and told["what"] != "cancel":
        outcome.standing.add(told["id"])


async def _count(orders: Orders, outcome: Outcome) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(orders.mongodb)
    documents = client[orders.database][COLLECTION].find({"entry": {"$exists": True}})
    spans: dict[str, list[tuple[int, int]]] = {}
    there = set()
    async for document in documents:
        there.add(document["_id"])
        spans.setdefault(document["user_id"], []).append((document["entry"]["start"], document["entry"]["end"]))
    client.close()
    for theirs in spans.values():
        outcome.overlaps += sum(second[0] < first[1] for first, second in pairwise(sorted(theirs)))
    outcome.lost = len(outcome.standing - there)
