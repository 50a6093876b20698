"""How many passes run at once, and who gets the places."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import pytest

from sync_worker.application.claim import Claim
from sync_worker.application.leases import IDLE, MANY, Busy, Leases
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_stores import Store, fake_store
from worker_turning import Passes, connect, follow, for_ever, running
from worker_waiting import eventually


@pytest.fixture
def store() -> Store:
    return fake_store()


async def test_no_more_passes_run_at_once_than_allowed(store: Store) -> None:
    await follow(store, 60)
    gate = asyncio.Event()

    async def wait(_: Claim) -> None:
        await gate.wait()

    passes = Passes(store, wait)
    # One more place is kept for those that somebody waits for.
    async with running(store, passes, at_once=8):

        async def full() -> bool:
            return passes.running == 7

        await eventually(full)
        gate.set()

        async def done() -> bool:
            return len(passes.over) == 60

        await eventually(done)

    assert passes.most == 7


async def test_places_that_come_free_one_by_one_are_filled_several_at_a_time(store: Store) -> None:
    await follow(store, 200)
    short = count()

    async def briefly(_: Claim) -> None:
        await asyncio.sleep(0.02 + 0.02 * (next(short) % 10))

    passes = Passes(store, briefly)
    leases = Counted(store.leases())
    schedule = Schedule(leases, passes, Rhythm(at_once=11, lease=timedelta(seconds=30)))
    task = asyncio.create_task(schedule.run())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])

    assert 1 < leases.claims <= 14


async def test_who_asks_has_places_that_a_backlog_cannot_take(store: Store) -> None:
    ids = await follow(store, 60)
    begun: list[str] = []

    async def work(claim: Claim) -> None:
        begun.append(claim.connection_id)
        await for_ever(claim)

    passes = Passes(store, work)
    async with running(store, passes, at_once=30):

        async def full() -> bool:
            return passes.running == 27

        await eventually(full)
        asked = sorted(ids - set(begun))[:3]
        for one in asked:
            await store.connections.wake(one)

        async def served() -> bool:
            return passes.running == 30

        await eventually(served)

    assert sorted(begun[27:]) == asked


async def test_first_imports_run_few_at_a_time_and_keep_nobody_from_their_pass(store: Store) -> None:
    gate = asyncio.Event()
    known, new = await follow(store, 40), await connect(store, 9)
    importing: list[str] = []

    async def work(claim: Claim) -> None:
        if claim.as_of is None:
            importing.append(claim.connection_id)
            await gate.wait()

    passes = Passes(store, work)
    async with running(store, passes, at_once=50):

        async def done() -> bool:
            return known <= set(passes.over) and len(importing) == 4

        await eventually(done)

    assert set(importing) < new


async def test_a_worker_whose_memory_is_short_goes_on_with_fewer_passes(store: Store) -> None:
    ids = await follow(store, 60)

    async def briefly(_: Claim) -> None:
        await asyncio.sleep(0.01)

    passes = Passes(store, briefly)
    async with running(store, passes, at_once=40, memory_short=lambda: True):

        async def done() -> bool:
            return set(passes.over) == ids

        await eventually(done)

    assert passes.most == 4


class Counted:
    """Leases whose claims are counted."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.claims = 0

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        self.claims += 1
        return await self._leases.claim(limit, busy, imports=imports)

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        return await self._leases.claim_urgent(limit, busy)

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return await self._leases.extend(claims)

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._leases.release(claims)
