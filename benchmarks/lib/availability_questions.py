"""Questions about one user, asked over HTTP, and answered the naive way."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

import aiohttp
import psutil
from benchmarks.lib.availability_events import ACCOUNT, BUSY_USER, CHANCE, HORIZON_DAYS, TODAY
from benchmarks.lib.availability_process import cpu_of
from benchmarks.lib.worker_results import tell
from motor.motor_asyncio import AsyncIOMotorCollection
from rich.table import Table

from availability.domain.intervals import Window, clipped, merged
from availability.outbound.mongo.documents import unpacked

WINDOWS = (1, 7, 31, 92)
AT_ONCE = 16
ONE_IN = 12
"""So many questions are asked the naive way: it takes long."""
Timeline = AsyncIOMotorCollection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The service, and the collection that it answers from."""

    url: str
    process: psutil.Process
    timeline: Timeline
    questions: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Milliseconds each took, the busy spans of each, and the CPU milliseconds of one."""

    took: list[float]
    spans: list[int]
    cpu: float

    def row(self) -> tuple[str, ...]:
        cuts = quantiles(self.took, n=100)
        spans = sum(self.spans) / len(self.spans)
        return f"{spans:.0f}", f"{self.cpu:.2f}", f"{cuts[49]:.1f}", f"{cuts[98]:.1f}"


def windows(days: int, count: int) -> list[Window]:
    starts = [TODAY + CHANCE.randrange(HORIZON_DAYS - days) * 24 * 3600 for _ in range(count)]
    return [Window(start, start + days * 24 * 3600) for start in starts]


async def ask(session: aiohttp.ClientSession, url: str, window: Window) -> int:
    start = datetime.fromtimestamp(window.start, UTC)
    asked = {"start": start.isoformat(), "end": (start + timedelta(seconds=window.end - window.start)).isoformat()}
    async with session.get(url, params=asked) as answer:
        answer.raise_for_status()
        return len((await answer.json())["busy"])


async def read_all(timeline: Timeline, window: Window) -> int:
    """The naive way: read all of the user's events, and look here which of them take time then."""
    spans = []
    async for document in timeline.find({"account_id": ACCOUNT, "user_id": BUSY_USER}):
        for group in document.get("groups", ()):
            if "transparent" not in group.get("facts", ()):
                spans += unpacked(group["spans"].values())
    return len(merged(clipped(spans, window)))


async def measure_asking(asked: Asked, token: str, table: Table) -> bool:
    """Whether both ways told the same."""
    same = True
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for days in WINDOWS:
            tell(f"asking about {days} days")
            wanted = windows(days, asked.questions)
            await asyncio.gather(*(ask(session, asked.url, window) for window in wanted[:AT_ONCE]))
            alone = await _one_by_one(
                lambda window: ask(session, asked.url, window), wanted, lambda: cpu_of(asked.process)
            )
            rate, cpu = await _at_once(session, asked, wanted)
            table.add_row(f"{days} days", *alone.row(), f"{rate:,.0f}", f"{cpu:.2f}", f"{1e3 / cpu:,.0f}")
            few = wanted[: max(2, len(wanted) // ONE_IN)]
            naive = await _one_by_one(lambda window: read_all(asked.timeline, window), few, time.process_time)
            table.add_row("  all are read (baseline)", *naive.row())
            same = same and naive.spans == alone.spans[: len(few)]
    return same


async def _one_by_one(
    answered: Callable[[Window], Awaitable[int]], wanted: list[Window], cpu: Callable[[], float]
) -> Answers:
    took, spans, spent = [], [], cpu()
    for window in wanted:
        began = time.perf_counter()
        spans.append(await answered(window))
        took.append(1e3 * (time.perf_counter() - began))
    return Answers(took, spans, 1e3 * (cpu() - spent) / len(wanted))


async def _at_once(session: aiohttp.ClientSession, asked: Asked, wanted: list[Window]) -> tuple[float, float]:
    """Questions per second while so many lanes ask one after another, and the service's CPU milliseconds for each."""

    async def lane(some: list[Window]) -> None:
        for window in some:
            await ask(session, asked.url, window)

    began, cpu = time.perf_counter(), cpu_of(asked.process)
    await asyncio.gather(*(lane(wanted[n::AT_ONCE]) for n in range(AT_ONCE)))
    rate = len(wanted) / (time.perf_counter() - began)
    return rate, 1e3 * (cpu_of(asked.process) - cpu) / len(wanted)
