"""Of many that are due: those that somebody waits for, then every CrocoClick account in turn."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events import RequestReason
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Completed, Ending, Postponed, Stopped
from sync_worker.domain.cadence import Activity
from sync_worker.domain.rejections import Rejections
from worker_examples import NOW, connected, disconnected, new_id
from worker_stores import Database, Store

HOUR = timedelta(hours=1)
OVERDUE = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Rejections(1, since=NOW, last=NOW)


async def known(store: Store, *accounts: str) -> list[str]:
    """One connection for each of these accounts that has been read once, and is due again."""
    ids = {new_id(): account for account in accounts}
    for one, account in ids.items():
        await store.connections.follow(connected(one, "cal-1", account_id=account))
    # Kept apart until all are read: they are due again at once.
    claims = await everything(store)
    for claim in claims:
        await store.passes.end(claim, Completed(NOW, timedelta(0), None))
    return list(ids)


async def everything(store: Store) -> list[Claim]:
    """Claims of all that is due, bucket by bucket."""
    claims: list[Claim] = []
    while found := await store.leases().claim(50):
        claims += found
    return claims


async def claimed(store: Store) -> Claim:
    (claim,) = await store.leases().claim(10)
    return claim


async def backlog(mine: Database, accounts: Sequence[str]) -> None:
    """So many connections that are overdue, the first one longest."""
    await mine.client[mine.name]["connections"].insert_many(
        [
            {
                "_id": new_id(),
                "account_id": account,
                "user_id": "usr-1",
                "epoch": 1,
                "revision": 1,
                "state": "active",
                "bucket": n % 8,
                "next_sync_at": OVERDUE + timedelta(seconds=n),
                "wakes": 1,
                "as_of": OVERDUE,
            }
            for n, account in enumerate(accounts)
        ]
    )


async def test_only_those_that_somebody_waits_for_are_urgent(store: Store) -> None:
    asked, changed, _ = await known(store, "acc-1", "acc-1", "acc-1")
    await store.connections.wake(asked)
    await store.connections.follow(connected(changed, "cal-2", revision=2))

    urgent = await store.leases().claim_urgent(10)
    others = await everything(store)

    assert {claim.connection_id for claim in urgent} == {asked, changed}
    assert len(others) == 1


async def test_who_is_disconnected_does_not_wait_behind_the_others(store: Store) -> None:
    one, _ = await known(store, "acc-1", "acc-1")

    await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))

    assert [claim.connection_id for claim in await store.leases().claim_urgent(10)] == [one]


@pytest.mark.parametrize("ending", [Completed(NOW, timedelta(0), None), Postponed(timedelta(0), 1)])
async def test_after_its_pass_a_connection_is_due_like_any_other(store: Store, ending: Ending) -> None:
    (one,) = await known(store, "acc-1")
    await store.connections.wake(one)
    (claim,) = await store.leases().claim_urgent(10)

    await store.passes.end(claim, ending)

    assert not await store.leases().claim_urgent(10)
    assert await store.leases().claim(10)


async def test_who_asks_while_a_pass_runs_is_urgent_at_its_end(store: Store) -> None:
    (one,) = await known(store, "acc-1")
    claim = await claimed(store)
    await store.connections.wake(one)

    await store.passes.end(claim, Completed(NOW, HOUR, None))

    assert [again.connection_id for again in await store.leases().claim_urgent(10)] == [one]


async def test_what_apple_asked_for_stands_above_urgency(store: Store) -> None:
    (one,) = await known(store, "acc-1")
    claim = await claimed(store)
    await store.connections.wake(one)

    await store.passes.end(claim, Postponed(HOUR, 1, asked=HOUR))
    await store.connections.wake(one)

    assert not await store.leases().claim_urgent(10)


@pytest.mark.parametrize("ending", [Postponed(HOUR, 0, rejections=REFUSED), Stopped(REFUSED)], ids=["spaced", "last"])
async def test_nobody_hurries_a_connection_between_refusals_or_after_the_last(
    store: Store, ending: Postponed | Stopped
) -> None:
    (one,) = await known(store, "acc-1")
    claim = await claimed(store)
    await store.connections.wake(one)

    await store.passes.end(claim, ending)
    woken = await store.connections.wake(one)
    await store.connections.follow(connected(one, "cal-1", "cal-2", revision=2))

    assert not woken
    assert not await store.leases().claim_urgent(10)
    assert not await store.leases().claim(10)


async def test_a_reconnect_does_not_wait_for_the_old_passwords_refusals(store: Store) -> None:
    (one,) = await known(store, "acc-1")
    await store.passes.end(await claimed(store), Postponed(HOUR, 0, rejections=REFUSED))

    await store.connections.follow(connected(one, "cal-1", epoch=2))

    (claim,) = await store.leases().claim_urgent(10)
    assert (claim.epoch, claim.rejections) == (2, None)


async def test_of_connections_that_were_never_read_only_so_many_are_taken_and_they_come_first(store: Store) -> None:
    known_one, _ = await known(store, "acc-1", "acc-1")
    new = {new_id() for _ in range(3)}
    for one in new:
        await store.connections.follow(connected(one, "cal-1"))
        await store.connections.wake(one)

    none = await store.leases().claim(1, imports=0)
    two = await store.leases().claim(2, imports=2)
    urgent = await store.leases().claim_urgent(10)
    rest = await everything(store)

    assert [claim.as_of for claim in none] == [NOW]
    assert {claim.connection_id for claim in two} < new
    assert urgent == []
    assert len(rest) == 2
    assert known_one in {claim.connection_id for claim in [*none, *rest]}


async def test_a_first_import_that_came_to_nothing_is_still_one(store: Store) -> None:
    await store.connections.follow(connected(new_id(), "cal-1"))
    await store.passes.end(await claimed(store), Postponed(timedelta(0), 1))

    none = await store.leases().claim(10, imports=0)
    some = await store.leases().claim(10, imports=1)

    assert (len(none), len(some)) == (0, 1)


async def test_places_go_to_the_accounts_that_have_the_fewest(store: Store) -> None:
    await known(store, "giant", "giant", "giant", "giant", "small")

    # All of them are urgent, so that no bucket comes between.
    for claim in await everything(store):
        await store.connections.wake(claim.connection_id)
        await store.leases().release([claim])
    first = await store.leases().claim_urgent(2)
    second = await store.leases().claim_urgent(1, {"giant": 1, "small": 1})

    assert sorted(claim.account_id for claim in first) == ["giant", "small"]
    assert [claim.account_id for claim in second] == ["giant"]


async def test_what_went_on_about_an_account_is_kept_with_it(store: Store) -> None:
    (one,) = await known(store, "acc-1")
    await store.connections.wake(one, RequestReason.USER)
    await store.connections.wake(one, RequestReason.BOOKING)
    await store.connections.wake(one, RequestReason.OPS)
    asked = await claimed(store)
    await store.passes.end(asked, Completed(NOW, timedelta(0), None, changed=True))
    changed = await claimed(store)

    was, now = asked.activity, changed.activity
    assert was.changed_at is None
    assert was.asked_at is not None
    assert was.booked_at is not None
    assert was.asked_at <= was.booked_at <= asked.claimed_at
    assert now.changed_at is not None
    assert now == Activity(now.changed_at, was.asked_at, was.booked_at)
    assert asked.claimed_at <= now.changed_at <= changed.claimed_at


async def test_the_fleet_counts_who_was_refused_lately(store: Store) -> None:
    await known(store, *["acc-1"] * 5)
    claims = await everything(store)
    now = claims[0].claimed_at
    long_ago = now - timedelta(minutes=21)
    for claim, last in zip(claims, (now, now - timedelta(minutes=19), long_ago), strict=False):
        refused = Rejections(1, since=long_ago, last=last)
        await store.passes.end(claim, Postponed(HOUR, 0, rejections=refused))
    await store.passes.end(claims[3], Stopped(Rejections(3, since=long_ago, last=now)))

    found = await store.refusals.lately()

    assert (found.lately, found.of) == (3, 4)


@pytest.mark.servers
async def test_who_asks_is_found_behind_a_backlog_of_thousands(mine: Database) -> None:
    store = mine.store()
    (one,) = await known(store, "small")
    await backlog(mine, ["giant"] * 4_000)

    await store.connections.wake(one)
    await store.connections.wake(one)

    assert [claim.connection_id for claim in await store.leases().claim_urgent(5)] == [one]


@pytest.mark.servers
async def test_one_accounts_overdue_nine_tenths_do_not_starve_the_rest(mine: Database) -> None:
    """By age alone, not one of the others would have been served."""
    store = mine.store()
    leases = store.leases()
    await backlog(mine, ["giant"] * 900 + [f"acc-{n % 20}" for n in range(100)])

    # A worker of a hundred places, of which thirty come free at a time.
    running: list[Claim] = []
    for _ in range(20):
        over, running = running[:30], running[30:]
        await asyncio.gather(*(store.passes.end(done, Completed(NOW, HOUR, None)) for done in over))
        running += await leases.claim(min(50, 100 - len(running)), Counter(claim.account_id for claim in running))

    connections = mine.client[mine.name]["connections"]
    waiting = {"next_sync_at": {"$lt": OVERDUE + 24 * HOUR}, "lease": {"$exists": False}}
    others_left = await connections.count_documents(waiting | {"account_id": {"$ne": "giant"}})
    giants_left = await connections.count_documents(waiting | {"account_id": "giant"})
    assert others_left < 10
    assert 300 < giants_left < 600
