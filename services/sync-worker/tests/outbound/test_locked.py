"""A connection locked by a transaction whose client is dead keeps no other one waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from sync_worker.application.claim import Claim
from worker_examples import connected, new_id
from worker_stores import Database
from worker_waiting import eventually

pytestmark = pytest.mark.servers

LAPSING = timedelta(seconds=0.1)


@asynccontextmanager
async def locked(mine: Database, one: str) -> AsyncIterator[None]:
    """A transaction that has written to the connection, and of which nothing more is heard for half a minute."""
    connections = mine.client[mine.name]["connections"]
    async with await mine.client.start_session() as session:
        usual = await lifetime(mine, 30)
        session.start_transaction()
        await connections.update_one({"_id": one}, {"$inc": {"batches": 1}}, session=session)
        await lifetime(mine, usual)
        yield
        await session.abort_transaction()


async def lifetime(mine: Database, seconds: int) -> int:
    """How long MongoDB lets transactions live that begin from now on; returns what it was."""
    answer = await mine.client.admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": seconds})
    return int(answer["was"])


async def follow(mine: Database, count: int) -> list[str]:
    ids = [new_id() for _ in range(count)]
    for one in ids:
        await mine.store().connections.follow(connected(one, "cal-1"))
    return ids


async def leased_until(mine: Database) -> dict[str, datetime]:
    found = mine.client[mine.name]["connections"].find({"lease": {"$exists": True}})
    return {document["_id"]: document["lease"]["until"] async for document in found}


def ids_of(claims: list[Claim]) -> set[str]:
    return {claim.connection_id for claim in claims}


@pytest.mark.parametrize("its_worker_died", [False, True])
async def test_all_others_are_claimed(mine: Database, its_worker_died: bool) -> None:  # noqa: FBT001 - a parameter of the test
    first, *others = await follow(mine, 12)
    if its_worker_died:
        await mine.store().leases(LAPSING).claim(12)
        await asyncio.sleep(2 * LAPSING.total_seconds())
    worker, claims = mine.store().leases(), list[Claim]()

    async def all_of_them() -> bool:
        claims.extend(await worker.claim(50))
        return len(claims) >= len(others)

    async with locked(mine, first):
        await eventually(all_of_them)

    assert ids_of(claims) == {*others}
    assert all(claim.fence == 1 + its_worker_died for claim in claims)


async def test_it_is_claimed_once_it_is_free(mine: Database) -> None:
    (only,) = await follow(mine, 1)
    worker = mine.store().leases()
    async with locked(mine, only):
        assert not await worker.claim(1)

    claim = await eventually(lambda: worker.claim(1))

    assert [one.connection_id for one in claim] == [only]


async def test_all_other_leases_are_extended_and_given_back(mine: Database) -> None:
    await follow(mine, 6)
    worker = mine.store().leases()
    first, *others = await worker.claim(6)
    before = await leased_until(mine)

    async def extended() -> bool:
        assert not await worker.extend([first, *others])
        now = await leased_until(mine)
        return {one for one, until in now.items() if until > before[one]} == ids_of(others)

    async def given_back() -> bool:
        await worker.release([first, *others])
        return [*await leased_until(mine)] == [first.connection_id]

    async with locked(mine, first.connection_id):
        await eventually(extended)
        await eventually(given_back)
