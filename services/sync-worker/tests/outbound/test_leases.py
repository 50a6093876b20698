import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.endings import Completed
from sync_worker.domain.tracked import Tracked, failed
from sync_worker.outbound.mongo.collections import BUCKETS
from worker_examples import NOW, connected, disconnected, gone, imported, new_id
from worker_stores import Database, Store
from worker_waiting import eventually

SHORT = timedelta(seconds=0.3)
HOUR = timedelta(hours=1)


async def follow(store: Store, count: int) -> set[str]:
    ids = {new_id() for _ in range(count)}
    for one in ids:
        await store.connections.follow(connected(one, "cal-1"))
    return ids


async def taken_over(store: Store) -> tuple[Claim, Claim]:
    """A claim whose lease has lapsed, and the next one's."""
    (frozen,) = await store.leases(SHORT).claim(1)

    async def lapsed() -> Claim | None:
        return next(iter(await store.leases().claim(1)), None)

    return frozen, await eventually(lapsed)


async def test_a_claimed_connection_is_nobody_elses(store: Store) -> None:
    await follow(store, 1)

    first = await store.leases().claim(10)
    second = await store.leases().claim(10)

    assert (len(first), len(second)) == (1, 0)


async def test_a_claim_takes_no_more_than_asked_for(store: Store) -> None:
    ids = await follow(store, 5)
    worker = store.leases()

    batches = [await worker.claim(2), await worker.claim(2), await worker.claim(2)]

    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert {claim.connection_id for batch in batches for claim in batch} == ids


async def test_a_lapsed_lease_goes_to_the_next_with_a_larger_fence(store: Store) -> None:
    await follow(store, 1)

    frozen, next_one = await taken_over(store)

    assert next_one.connection_id == frozen.connection_id
    assert next_one.fence == frozen.fence + 1


async def test_an_extended_lease_does_not_lapse(store: Store) -> None:
    await follow(store, 1)
    worker, other = store.leases(timedelta(seconds=1)), store.leases()
    claims = await worker.claim(1)

    for _ in range(8):
        assert not await worker.extend(claims)
        assert not await other.claim(1)
        await asyncio.sleep(0.2)

    claims[0].lease.check()


async def test_a_lost_lease_is_told_at_the_next_heartbeat(store: Store) -> None:
    await follow(store, 1)
    worker = store.leases()

    frozen, next_one = await taken_over(store)

    assert await worker.extend([frozen, next_one]) == [frozen]
    with pytest.raises(LeaseLost):
        frozen.lease.check()
    next_one.lease.check()


async def test_a_released_lease_is_free_at_once(store: Store) -> None:
    ids = await follow(store, 3)
    worker = store.leases()
    claims = await worker.claim(10)

    await worker.release(claims)

    assert {claim.connection_id for claim in await store.leases().claim(10)} == ids


async def test_releasing_a_lost_lease_leaves_the_new_holders_alone(store: Store) -> None:
    await follow(store, 1)
    frozen, next_one = await taken_over(store)

    await store.leases().release([frozen])

    await store.passes.remember(next_one, "cal-1", Tracked("/c/", "basis"))
    assert not await store.leases().claim(1)


async def test_an_overtaken_worker_writes_nothing_at_all(store: Store) -> None:
    await follow(store, 1)
    frozen, next_one = await taken_over(store)
    # Frozen processes do not notice that time has passed.
    frozen.lease.extend(float("inf"))
    await store.objects.write(next_one, [imported("e1"), gone("e2", 4)])

    for write in (
        store.objects.write(frozen, [imported("e1", revision=2, digest="stale")]),
        store.objects.write(frozen, [imported("e2", revision=5)]),
        store.objects.write(frozen, [imported("never-seen")]),
        store.passes.remember(frozen, "cal-1", Tracked("/c/", "basis", token="stale")),
        store.passes.forget(frozen, "cal-1"),
        store.passes.end(frozen, Completed(NOW, HOUR, None)),
    ):
        with pytest.raises(LeaseLost):
            await write

    known = await store.objects.known(next_one, ["e1", "e2", "never-seen"])
    assert {one: (state.revision, state.alive) for one, state in known.items()} == {"e1": (1, True), "e2": (4, False)}


async def test_a_calendar_that_was_never_seen_can_be_remembered_and_claimed_again(store: Store) -> None:
    await follow(store, 1)
    (claim,) = await store.leases().claim(1)
    never_seen = failed(None, None, "basis", None)
    await store.passes.remember(claim, "cal-1", never_seen)
    await store.leases().release([claim])

    (again,) = await store.leases().claim(1)

    assert again.calendars == {"cal-1": never_seen}


async def test_a_pass_is_committed_once(store: Store) -> None:
    await follow(store, 1)
    (claim,) = await store.leases().claim(1)
    await store.passes.end(claim, Completed(NOW, HOUR, None))

    with pytest.raises(LeaseLost):
        await store.passes.end(claim, Completed(NOW, HOUR, None))


async def test_a_worker_that_let_go_writes_nothing_any_more(store: Store) -> None:
    await follow(store, 1)
    worker = store.leases()
    (claim,) = await worker.claim(1)

    await worker.release([claim])

    with pytest.raises(LeaseLost):
        await store.objects.write(claim, [imported("e1")])


async def test_a_pass_that_runs_while_its_connection_ends_writes_nothing_more(store: Store) -> None:
    (one,) = await follow(store, 1)
    (claim,) = await store.leases().claim(1)

    await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))

    with pytest.raises(LeaseLost):
        await store.objects.write(claim, [imported("e1")])


@pytest.mark.servers
async def test_many_workers_at_once_never_claim_a_connection_twice(mine: Database) -> None:
    store = mine.store()
    ids = await follow(store, 300)

    async def worker() -> list[Claim]:
        leases = store.leases()
        found: list[Claim] = []
        while claims := await leases.claim(20):
            found += claims
        return found

    claims = [claim for batch in await asyncio.gather(*(worker() for _ in range(8))) for claim in batch]

    assert Counter(claim.connection_id for claim in claims) == Counter(ids)
    assert {claim.fence for claim in claims} == {1}


@pytest.mark.servers
async def test_a_write_that_began_before_a_takeover_and_ends_after_it_changes_nothing(mine: Database) -> None:
    store = mine.store()
    await follow(store, 1)
    (claim,) = await store.leases().claim(1)
    connections = mine.client[mine.name]["connections"]

    async def both() -> tuple[object, object]:
        write = store.objects.write(claim, [imported(f"e{n}") for n in range(200)])
        steal = connections.update_one({"_id": claim.connection_id}, {"$inc": {"fence": 1}, "$unset": {"lease": ""}})
        return await asyncio.gather(write, steal, return_exceptions=True)

    written, _ = await both()

    kept = await mine.client[mine.name]["objects"].count_documents({})
    assert kept == (0 if isinstance(written, LeaseLost) else 200)
    with pytest.raises(LeaseLost):
        await store.objects.write(claim, [imported("late")])


@pytest.mark.servers
async def test_a_worker_whose_clock_is_wrong_claims_like_any_other(mine: Database) -> None:
    """Nothing in a claim's commands carries the worker's own time."""
    store = mine.store()
    (one,) = await follow(store, 1)
    await store.leases(SHORT).claim(1)
    connections = mine.client[mine.name]["connections"]

    document = await connections.find_one({"_id": one})

    assert document is not None
    (clock,) = [row["now"] async for row in connections.aggregate([{"$project": {"now": "$$NOW"}}])]
    assert timedelta(0) < document["lease"]["until"] - clock + SHORT < timedelta(seconds=5)


async def overdue(mine: Database, *, each: int) -> None:
    """So many that have been read before, in each bucket."""
    due = datetime(2026, 1, 1, tzinfo=UTC)
    whose = {"account_id": "acc-1", "user_id": "usr-1", "epoch": 1, "state": "active", "wakes": 1, "as_of": due}
    await mine.client[mine.name]["connections"].insert_many(
        [
            {"_id": new_id(), "bucket": bucket, "next_sync_at": due, **whose}
            for bucket in range(BUCKETS)
            for _ in range(each)
        ]
    )


@pytest.mark.servers
async def test_where_buckets_give_too_little_a_claim_takes_from_more_and_more_of_them(mine: Database) -> None:
    await overdue(mine, each=1)
    worker = mine.store().leases()

    sizes = [len(await worker.claim(50)) for _ in range(3)]

    assert sizes == [50, 14, 0]


@pytest.mark.servers
async def test_as_long_as_enough_is_due_every_claim_takes_as_much_as_there_is_room_for(mine: Database) -> None:
    await overdue(mine, each=15)
    worker = mine.store().leases()

    sizes = [len(await worker.claim(50)) for _ in range(20)]

    assert sizes == [50] * 19 + [10]


@pytest.mark.servers
async def test_where_there_is_enough_a_claim_comes_from_one_bucket_again(mine: Database) -> None:
    worker = mine.store().leases()
    for _ in range(6):
        await worker.claim(50)
    # Two of the claims may have taken from the last one's bucket.
    await overdue(mine, each=150)

    claims = [await worker.claim(50) for _ in range(7)]

    connections = mine.client[mine.name]["connections"]
    ids = [claim.connection_id for claim in claims[-1]]
    assert len(ids) == 50
    assert len(await connections.distinct("bucket", {"_id": {"$in": ids}})) == 1
