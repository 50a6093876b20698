"""How often it is asked what is due."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sync_worker.application.claim import Claim
from sync_worker.application.leases import IDLE, MANY, Busy, Leases
from sync_worker.inbound.schedule import Rhythm, Schedule
from worker_stores import fake_store
from worker_time import in_no_time
from worker_turning import Passes, at_once, follow

SECONDS = 6


def test_what_falls_due_one_by_one_is_claimed_several_at_a_time() -> None:
    asked, over = in_no_time(turned(a_second=40))

    assert asked < 4 * SECONDS
    assert over > 36 * SECONDS


def test_the_more_is_due_the_sooner_more_is_asked_for() -> None:
    asked, over = in_no_time(turned(a_second=200))

    assert asked > 5 * SECONDS
    assert over > 180 * SECONDS


async def turned(*, a_second: int) -> tuple[int, int]:
    """How often was asked, and how many passes ended, in SECONDS in which so many connections fell due each second."""
    store = fake_store()
    await follow(store, a_second * SECONDS)
    leases, passes = Trickling(store.leases(timedelta(hours=1)), a_second), Passes(store, at_once)
    turning = asyncio.create_task(Schedule(leases, passes, Rhythm(200, timedelta(hours=1))).run())
    await asyncio.sleep(SECONDS)
    turning.cancel()
    await asyncio.wait([turning])
    return leases.asked, len(passes.over)


class Trickling:
    """Leases of which so many a second may be had, by the loop's clock."""

    def __init__(self, leases: Leases, a_second: int) -> None:
        self._leases = leases
        self._a_second = a_second
        self._began = asyncio.get_running_loop().time()
        self._given = 0
        self.asked = 0

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        self.asked += 1
        due = int((asyncio.get_running_loop().time() - self._began) * self._a_second) - self._given
        given = await self._leases.claim(min(limit, due), busy, imports=imports)
        self._given += len(given)
        return given

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        return await self._leases.claim_urgent(limit, busy)

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return await self._leases.extend(claims)

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._leases.release(claims)
