"""Passes that end at the same time are written together, and each is told its own."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from pymongo.errors import WriteError

from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.endings import Completed, Postponed
from worker_examples import NOW, connected, new_id
from worker_stores import Database, Store

HOUR = timedelta(hours=1)
DONE = Completed(NOW, HOUR, None)


async def claims(store: Store, count: int) -> Sequence[Claim]:
    for _ in range(count):
        await store.connections.follow(connected(new_id(), "cal-1"))
    return await store.leases().claim(count)


async def together(store: Store, ends: Sequence[Claim]) -> list[BaseException | None]:
    return await asyncio.gather(*(store.passes.end(one, DONE) for one in ends), return_exceptions=True)


async def test_who_was_overtaken_hears_it_and_the_others_are_committed(store: Store) -> None:
    first, overtaken, last = await claims(store, 3)
    await store.leases().release([overtaken])

    heard = await together(store, [first, overtaken, last])

    assert [type(one) for one in heard] == [type(None), LeaseLost, type(None)]
    (again,) = await store.leases().claim(10)
    assert (again.connection_id, again.passes) == (overtaken.connection_id, 0)


async def test_of_two_ends_of_one_pass_one_is_committed_even_at_the_same_time(store: Store) -> None:
    (claim,) = await claims(store, 1)

    heard = await together(store, [claim, claim])

    assert sorted(type(one).__name__ for one in heard) == ["LeaseLost", "NoneType"]


async def test_an_end_that_somebody_elses_follows_is_not_taken_for_ones_own(store: Store) -> None:
    (claim,) = await claims(store, 1)
    await store.leases().release([claim])
    (next_one,) = await store.leases().claim(1)
    await store.passes.end(next_one, Postponed(timedelta(0), 1))

    (heard,) = await together(store, [claim])

    assert isinstance(heard, LeaseLost)


async def test_what_a_pass_saw_of_the_home_is_kept_until_one_sees_something_else(store: Store) -> None:
    (first,) = await claims(store, 1)
    first.trail.shows = "seen"
    await store.passes.end(first, Completed(NOW, timedelta(0), None))
    (silent,) = await store.leases().claim(1)
    await store.passes.end(silent, Completed(NOW, timedelta(0), None))

    (last,) = await store.leases().claim(1)

    assert (first.showed, silent.showed, last.showed) == ("", "seen", "seen")


@pytest.mark.servers
async def test_an_end_that_mongodb_refuses_is_nobody_elses_trouble(mine: Database) -> None:
    store = mine.store()
    first, odd, last = await claims(store, 3)
    connections = mine.client[mine.name]["connections"]
    await connections.update_one({"_id": odd.connection_id}, {"$set": {"passes": "many"}})

    heard = await together(store, [first, odd, last])

    assert [type(one) for one in heard] == [type(None), WriteError, type(None)]
    left = [one["_id"] async for one in connections.find({"lease": {"$exists": True}})]
    assert left == [odd.connection_id]


@pytest.mark.servers
async def test_a_pass_that_is_cancelled_at_its_very_end_is_committed_before_it_leaves(mine: Database) -> None:
    store = mine.store()
    (claim,) = await claims(store, 1)
    end = asyncio.create_task(store.passes.end(claim, DONE))
    await asyncio.sleep(0)

    end.cancel()
    await asyncio.wait([end])

    document = await mine.client[mine.name]["connections"].find_one({"_id": claim.connection_id})
    assert end.cancelled()
    assert document is not None
    assert (document["committed"], "lease" in document) == (claim.fence, False)
