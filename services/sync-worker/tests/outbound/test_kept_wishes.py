"""What was said about held removals, kept until a pass has done it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from contracts.events import HoldState
from sync_worker.application.claim import Claim
from sync_worker.application.tell import removals
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held, Wish
from sync_worker.domain.tracked import Tracked
from worker_examples import NOW, connected, disconnected, new_id
from worker_stores import Store

SECOND = timedelta(seconds=1)
SEEN = int(NOW.timestamp())


async def claimed(store: Store) -> Claim:
    (claim,) = await store.leases().claim(10)
    return claim


async def hold(store: Store, *calendars: str, since: datetime = NOW + SECOND / 3) -> int:
    """Removals of these are held, since a third of a second after `SEEN`; returns what `RemovalsHeld` says of that."""
    claim, held = await claimed(store), Held(Doubt.SHRUNKEN, since=since, looked_at=NOW, known=40, missing=30)
    for one in calendars:
        await store.passes.remember(claim, one, Tracked("/c/", "basis", hold=held))
    await store.leases().release([claim])
    return removals(claim, 1, calendars[0], held, HoldState.HELD).since


async def wishes(store: Store) -> Mapping[str, Wish]:
    claim = await claimed(store)
    await store.leases().release([claim])
    return claim.wishes


async def test_only_who_may_have_seen_what_is_held_can_confirm_it(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1", "cal-2"))
    await hold(store, "cal-1", "cal-2")
    confirmed = {"cal-1": Wish.CONFIRM, "cal-3": Wish.CONFIRM}

    early = await store.connections.wish(one, confirmed | {"cal-2": Wish.KEEP}, SEEN - 1)
    before = await wishes(store)
    later = await store.connections.wish(one, confirmed, SEEN)
    over_a_word = await store.connections.wish(one, {"cal-2": Wish.CONFIRM}, SEEN - 1)

    assert (set(early), set(later), set(over_a_word)) == ({"cal-1", "cal-3"}, {"cal-3"}, {"cal-2"})
    assert before == {"cal-2": Wish.KEEP}
    assert await wishes(store) == {"cal-1": Wish.CONFIRM, "cal-2": Wish.KEEP}


@pytest.mark.parametrize("fraction", [0, 1_000, 999_999])
async def test_who_says_what_they_saw_confirms_that_and_nothing_else(store: Store, fraction: int) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1", "cal-2"))
    told = await hold(store, "cal-1", "cal-2", since=NOW.replace(microsecond=fraction))
    confirmed = {"cal-1": Wish.CONFIRM, "cal-2": Wish.CONFIRM}

    others = [
        await store.connections.wish(one, confirmed, SEEN + 600, seen={"cal-1": other, "cal-2": other})
        for other in (told - 1, told + 1)
    ]
    before = await wishes(store)
    later = await store.connections.wish(one, confirmed, told - 1, seen={"cal-1": told})

    assert [set(dropped) for dropped in others] == [{"cal-1", "cal-2"}] * 2
    assert before == {}
    assert set(later) == {"cal-2"}
    assert await wishes(store) == {"cal-1": Wish.CONFIRM}


async def test_what_is_to_be_kept_is_kept_whatever_was_seen(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    told = await hold(store, "cal-1")

    await store.connections.wish(one, {"cal-1": Wish.KEEP}, SEEN, seen={"cal-1": told - 600})

    assert await wishes(store) == {"cal-1": Wish.KEEP}


async def test_wishes_about_removals_wait_for_the_next_pass_and_the_last_word_counts(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))

    await hold(store, "cal-1", "cal-2")

    await store.connections.wish(one, {"cal-1": Wish.CONFIRM, "cal-2": Wish.CONFIRM}, SEEN)
    await store.connections.wish(one, {"cal-2": Wish.KEEP}, SEEN)

    assert (await claimed(store)).wishes == {"cal-1": Wish.CONFIRM, "cal-2": Wish.KEEP}


async def test_a_wish_that_is_heard_goes_and_one_that_came_meanwhile_stays(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    await hold(store, "cal-1", "cal-2")
    await store.connections.wish(one, {"cal-1": Wish.CONFIRM, "cal-2": Wish.CONFIRM}, SEEN)
    claim = await claimed(store)
    await store.connections.wish(one, {"cal-2": Wish.KEEP}, SEEN)

    await store.passes.heard(claim, claim.wishes)

    await store.leases().release([claim])
    assert (await claimed(store)).wishes == {"cal-2": Wish.KEEP}


async def test_nobody_hears_a_wish_about_a_connection_that_is_over(store: Store) -> None:
    one = new_id()
    await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))

    assert not await store.connections.wish(one, {"cal-1": Wish.CONFIRM}, SEEN)
    assert not await store.connections.wish(new_id(), {"cal-1": Wish.CONFIRM}, SEEN)

    assert (await claimed(store)).wishes == {}
