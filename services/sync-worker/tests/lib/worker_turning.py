"""A schedule that turns in this process, over passes that do what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from sync_worker.application.claim import Claim
from sync_worker.application.endings import Completed, Postponed
from sync_worker.inbound.room import plenty
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_examples import NOW, connected, new_id
from worker_stores import Store

DAY = timedelta(days=1)


class Passes:
    """Passes that do what a test wants; `over` are the connections whose pass ended, `broken` those put off."""

    def __init__(self, store: Store, work: Callable[[Claim], Awaitable[None]]) -> None:
        self._store = store
        self._work = work
        self.running = 0
        self.most = 0
        self.over: list[str] = []
        self.broken: list[str] = []

    async def __call__(self, claim: Claim) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._work(claim)
            await self._store.passes.end(claim, Postponed(DAY, 0))
            self.over.append(claim.connection_id)
        finally:
            self.running -= 1

    async def put_off(self, claim: Claim) -> None:
        self.broken.append(claim.connection_id)
        await self._store.passes.end(claim, Postponed(DAY, 1))


async def follow(store: Store, count: int) -> set[str]:
    """So many connections that have been read once, and are due again."""
    ids = {new_id() for _ in range(count)}
    for one in ids:
        await store.connections.follow(connected(one, "cal-1"))
    for claim in await store.leases().claim(count):
        await store.passes.end(claim, Completed(NOW, timedelta(0), None))
    return ids


async def connect(store: Store, count: int) -> set[str]:
    """So many connections that have never been read."""
    ids = {new_id() for _ in range(count)}
    for one in ids:
        await store.connections.follow(connected(one, "cal-1"))
    return ids


@asynccontextmanager
async def running(
    store: Store,
    passes: Passes,
    *,
    at_once: int = 10,
    lease: timedelta = timedelta(seconds=30),
    memory_short: Callable[[], bool] = plenty,
) -> AsyncIterator[Schedule]:
    schedule = Schedule(store.leases(lease), passes, Rhythm(at_once, lease, memory_short))
    task = asyncio.create_task(schedule.run())
    try:
        yield schedule
    finally:
        task.cancel()
        await asyncio.wait([task])


async def at_once(_: Claim) -> None:
    await asyncio.sleep(0)


async def for_ever(_: Claim) -> None:
    await asyncio.Event().wait()
