"""A schedule that is told to stop gives everything back within two seconds."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sync_worker.application.claim import Claim
from sync_worker.application.leases import IDLE, MANY, Busy, Leases
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_stores import Store, fake_store
from worker_turning import Passes, follow, for_ever, running
from worker_waiting import eventually


@pytest.fixture
def store() -> Store:
    return fake_store()


async def test_stopping_frees_every_lease_within_two_seconds(store: Store) -> None:
    ids = await follow(store, 20)
    passes = Passes(store, for_ever)
    loop = asyncio.get_running_loop()
    async with running(store, passes, at_once=22):

        async def full() -> bool:
            return passes.running == 20

        await eventually(full)
        told_at = loop.time()

    assert loop.time() - told_at < 2
    assert {claim.connection_id for claim in await store.leases().claim(50)} == ids


async def test_a_claim_under_way_when_told_to_stop_is_given_back_as_well(store: Store) -> None:
    ids = await follow(store, 5)
    slow = Slow(store.leases())
    schedule = Schedule(slow, Passes(store, for_ever), Rhythm(at_once=10, lease=timedelta(seconds=30)))
    task = asyncio.create_task(schedule.run())
    await slow.claimed.wait()

    task.cancel()
    await asyncio.sleep(0)
    slow.answer.set()
    await asyncio.wait([task])

    assert {claim.connection_id for claim in await store.leases().claim(10)} == ids


async def test_a_pass_that_will_not_end_does_not_keep_the_others_leases(store: Store) -> None:
    ids = await follow(store, 5)
    stubborn = min(ids)
    gate = asyncio.Event()

    async def work(claim: Claim) -> None:
        while claim.connection_id == stubborn and not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        await for_ever(claim)

    passes = Passes(store, work)
    async with running(store, passes):

        async def full() -> bool:
            return passes.running == 5

        await eventually(full)

    free = {claim.connection_id for claim in await store.leases().claim(10)}
    gate.set()
    assert free == ids


class Slow:
    """Leases whose store answers claims late."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.claimed = asyncio.Event()
        self.answer = asyncio.Event()

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        claims = await self._leases.claim(limit, busy, imports=imports)
        self.claimed.set()
        await self.answer.wait()
        return claims

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        del limit, busy
        return []

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return await self._leases.extend(claims)

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._leases.release(claims)
