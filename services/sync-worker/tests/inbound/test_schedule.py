import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.application.claim import Claim, Lease, LeaseLost
from sync_worker.application.endings import Postponed
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_examples import connected, new_id
from worker_stores import Store, fake_store
from worker_waiting import eventually

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


@pytest.fixture
def store() -> Store:
    return fake_store()


async def follow(store: Store, count: int) -> set[str]:
    ids = {new_id() for _ in range(count)}
    for one in ids:
        await store.connections.follow(connected(one, "cal-1"))
    return ids


@asynccontextmanager
async def running(
    store: Store, passes: Passes, *, at_once: int = 10, lease: timedelta = timedelta(seconds=30)
) -> AsyncIterator[Schedule]:
    schedule = Schedule(store.leases(lease), passes, Rhythm(at_once=at_once, lease=lease))
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


async def test_everything_due_gets_its_pass(store: Store) -> None:
    ids = await follow(store, 120)
    passes = Passes(store, at_once)

    async with running(store, passes):

        async def done() -> bool:
            return len(passes.over) >= len(ids)

        await eventually(done)

    assert sorted(passes.over) == sorted(ids)


async def test_no_more_passes_run_at_once_than_allowed(store: Store) -> None:
    await follow(store, 60)
    gate = asyncio.Event()

    async def wait(_: Claim) -> None:
        await gate.wait()

    passes = Passes(store, wait)
    async with running(store, passes, at_once=7):

        async def full() -> bool:
            return passes.running == 7

        await eventually(full)
        gate.set()

        async def done() -> bool:
            return len(passes.over) == 60

        await eventually(done)

    assert passes.most == 7


async def test_a_long_pass_keeps_its_lease(store: Store) -> None:
    lease = timedelta(seconds=0.6)
    await follow(store, 1)
    other = store.leases()

    async with running(store, Passes(store, for_ever), lease=lease):
        await asyncio.sleep(1.5)

        assert not await other.claim(1)


async def test_a_pass_whose_lease_is_lost_is_broken_off(store: Store) -> None:
    (one,) = await follow(store, 1)
    passes = Passes(store, for_ever)

    async with running(store, passes, lease=timedelta(seconds=0.6)):

        async def started() -> bool:
            return passes.running == 1

        await eventually(started)
        row = store.connections._rows[one]  # type: ignore[attr-defined]  # the fake's rows
        row.claim = replace(row.claim, lease=Lease("somebody else's", 0))

        async def broken_off() -> bool:
            return passes.running == 0

        await eventually(broken_off)

    assert (passes.over, passes.broken) == ([], [])


async def test_a_broken_pass_is_put_off_and_the_others_go_on(store: Store) -> None:
    ids = await follow(store, 3)
    bad = min(ids)

    async def work(claim: Claim) -> None:
        if claim.connection_id == bad:
            raise ZeroDivisionError

    passes = Passes(store, work)
    async with running(store, passes):

        async def done() -> bool:
            return len(passes.over) == 2 and bool(passes.broken)

        await eventually(done)

    assert passes.broken == [bad]


async def test_an_overtaken_pass_is_left_to_who_overtook_it(store: Store) -> None:
    await follow(store, 1)
    tried = asyncio.Event()

    async def work(_: Claim) -> None:
        tried.set()
        raise LeaseLost

    passes = Passes(store, work)
    async with running(store, passes):
        await tried.wait()

    assert passes.broken == []


async def test_a_connection_that_changed_under_its_pass_need_not_wait_for_the_lease(store: Store) -> None:
    ids = await follow(store, 1)

    async def work(_: Claim) -> None:
        raise LeaseLost

    async with running(store, Passes(store, work)):

        async def free() -> bool:
            return {claim.connection_id for claim in await store.leases().claim(1)} == ids

        await eventually(free)


async def test_stopping_frees_every_lease_within_two_seconds(store: Store) -> None:
    ids = await follow(store, 20)
    passes = Passes(store, for_ever)
    loop = asyncio.get_running_loop()
    async with running(store, passes, at_once=20):

        async def full() -> bool:
            return passes.running == 20

        await eventually(full)
        told_at = loop.time()

    assert loop.time() - told_at < 2
    assert {claim.connection_id for claim in await store.leases().claim(50)} == ids


class Watched:
    """Leases of a store that has nothing, or is away; counts how often it is asked."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self._trouble = trouble
        self.asked = 0

    async def claim(self, limit: int) -> Sequence[Claim]:
        del limit
        self.asked += 1
        return self._nothing()

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        del claims
        return self._nothing()

    async def release(self, claims: Sequence[Claim]) -> None:
        del claims
        self._nothing()

    def _nothing(self) -> Sequence[Claim]:
        if self._trouble is not None:
            raise self._trouble
        return []


@pytest.mark.parametrize(("trouble", "most"), [(None, 5), (ConnectionError(), 1)], ids=["idle", "away"])
async def test_a_store_that_has_nothing_or_is_away_is_asked_now_and_then(
    store: Store, trouble: Exception | None, most: int
) -> None:
    leases = Watched(trouble)
    schedule = Schedule(leases, Passes(store, at_once), Rhythm(at_once=1, lease=timedelta(seconds=30)))
    task = asyncio.create_task(schedule.run())
    await asyncio.sleep(1)
    healthy = schedule.unwell()
    task.cancel()
    await asyncio.wait([task])

    assert 1 <= leases.asked <= most
    assert healthy is None
