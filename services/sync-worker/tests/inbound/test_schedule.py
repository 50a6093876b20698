import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.application.claim import Claim, Lease, LeaseLost
from sync_worker.application.leases import IDLE, MANY, Busy
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_stores import Database, Store, fake_store
from worker_turning import Passes, at_once, follow, for_ever, running
from worker_waiting import eventually


@pytest.fixture
def store() -> Store:
    return fake_store()


async def test_everything_due_gets_its_pass(store: Store) -> None:
    ids = await follow(store, 120)
    passes = Passes(store, at_once)

    async with running(store, passes):

        async def done() -> bool:
            return len(passes.over) >= len(ids)

        await eventually(done)

    assert sorted(passes.over) == sorted(ids)


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


async def test_a_pass_that_is_giving_its_lease_back_is_not_broken_off_for_it(store: Store) -> None:
    ending, losing = await follow(store, 2)
    passes = Passes(store, for_ever)

    async with running(store, passes, lease=timedelta(seconds=0.6)):

        async def started() -> bool:
            return passes.running == 2

        await eventually(started)
        rows = store.connections._rows  # type: ignore[attr-defined]  # the fake's rows
        rows[ending].claim.lease.on_its_way_back = True
        for one in (ending, losing):
            rows[one].claim = replace(rows[one].claim, lease=Lease("somebody else's", 0))

        async def one_left() -> bool:
            return passes.running < 2

        await eventually(one_left)
        assert passes.running == 1


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


@pytest.mark.servers
async def test_a_dead_workers_accounts_are_taken_over_when_its_leases_have_lapsed(mine: Database) -> None:
    store, lease = mine.store(), timedelta(seconds=1)
    await follow(store, 3)
    dead = {claim.connection_id: claim for claim in await store.leases(lease).claim(10)}
    taken: dict[str, Claim] = {}

    async def work(claim: Claim) -> None:
        taken[claim.connection_id] = claim
        await asyncio.sleep(0)

    async with running(store, Passes(store, work), lease=lease):

        async def all_of_them() -> bool:
            return dead.keys() <= taken.keys()

        await eventually(all_of_them)

    assert all(taken[one].claimed_at >= claim.claimed_at + lease for one, claim in dead.items())
    assert all(taken[one].fence == claim.fence + 1 for one, claim in dead.items())


class Watched:
    """Leases of a store that has nothing, or is away; counts how often it is asked."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self._trouble = trouble
        self.asked = 0

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        del limit, busy, imports
        return self._nothing()

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        del limit, busy
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
