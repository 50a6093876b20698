from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events import CalendarReconnected
from icloud import AppleCredential, Home
from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.endings import Completed, Postponed, Stopped
from sync_worker.application.tell_calendars import told_of
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.rejections import Rejections
from worker_examples import NOW, connected, disconnected, new_id
from worker_fakes import HOME
from worker_stores import Store

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SEEN = int(NOW.timestamp())
REFUSED = Rejections(3, since=NOW, last=NOW)
CREDENTIAL = AppleCredential("me@icloud.com", "abcd-efgh-ijkl-mnop")
MOVED = replace(HOME, origin="https://p2-caldav.example:443")


async def claimed(store: Store) -> Claim:
    (claim,) = await store.leases().claim(10)
    return claim


async def nothing_due(store: Store) -> bool:
    return not await store.leases().claim(10)


async def disconnect(store: Store, claim: Claim) -> None:
    one = claim.connection_id
    await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))


def reconnected(one: str, **changes: object) -> CalendarReconnected:
    return CalendarReconnected(**connected(one, "cal-1").model_dump() | {"epoch": 2, "revision": 3} | changes)


async def test_a_new_connection_is_due_at_once_with_what_the_connector_said(store: Store) -> None:
    one = new_id()

    followed = await store.connections.follow(connected(one, "cal-1", "cal-2", titles=True))

    claim = await claimed(store)
    assert followed
    assert (claim.connection_id, claim.account_id, claim.user_id, claim.epoch) == (one, "acc-1", "usr-1", 1)
    assert (claim.state, claim.time_zone, claim.titles) == (State.ACTIVE, "Europe/Paris", True)
    assert claim.conflict_calendars == {"cal-1", "cal-2"}
    assert (claim.as_of, dict(claim.calendars), claim.unpublished) == (None, {}, False)
    assert claim.fence == 1


async def test_old_news_of_a_connection_changes_nothing(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-2", epoch=2, revision=4))

    old = [
        await store.connections.follow(connected(one, "cal-1", epoch=1, revision=9)),
        await store.connections.follow(connected(one, "cal-1", epoch=2, revision=4)),
        await store.connections.end(one, epoch=2, revision=3, whose=disconnected(one)),
    ]

    assert old == [False, False, False]
    assert (await claimed(store)).conflict_calendars == {"cal-2"}


async def test_what_has_ended_stays_ended(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))

    ended = await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))
    resurrected = await store.connections.follow(connected(one, "cal-1", epoch=2, revision=3))

    claim = await claimed(store)
    assert (ended, resurrected, claim.state) == (True, False, State.ERASING)


async def test_a_connection_that_ends_before_it_was_ever_heard_of_is_not_resurrected_by_its_late_beginning(
    store: Store,
) -> None:
    one = new_id()

    ended = await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))
    late = await store.connections.follow(connected(one, "cal-1"))

    assert (ended, late) == (True, False)
    assert (await claimed(store)).state is State.ERASING


async def test_a_tombstone_ends_what_is_known_and_invents_nothing(store: Store) -> None:
    one = new_id()

    unknown = await store.connections.end(one, epoch=1, revision=1, whose=None)
    await store.connections.follow(connected(one, "cal-1"))
    known = await store.connections.end(one, epoch=1, revision=1, whose=None)

    assert (unknown, known) == (False, True)
    assert (await claimed(store)).state is State.ERASING


async def test_a_completed_pass_is_remembered_and_the_connection_rests(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))

    await store.passes.end(await claimed(store), Completed(NOW, HOUR, None))

    assert await nothing_due(store)
    await store.connections.wake(one)
    claim = await claimed(store)
    assert (claim.as_of, claim.passes, claim.failures, claim.fence) == (NOW, 1, 0, 2)


async def test_an_accounts_home_is_kept_sealed_until_there_is_news_of_it(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    opened: list[Home | None] = []

    for home in (HOME, None, MOVED, None):
        claim = await claimed(store)
        opened.append(claim.home.open(CREDENTIAL))
        await store.passes.end(claim, Completed(NOW, timedelta(0), claim.home.news(home)))
        await store.connections.wake(one)

    assert opened == [None, HOME, HOME, MOVED]


@pytest.mark.parametrize(
    "ending",
    [Completed(NOW, HOUR, None), Postponed(HOUR, 1), Stopped(REFUSED)],
    ids=["completed", "postponed", "stopped"],
)
async def test_who_asks_while_a_pass_runs_does_not_wait_for_the_next_ones_time(
    store: Store, ending: Completed | Postponed | Stopped
) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    claim = await claimed(store)

    await store.connections.follow(reconnected(one))
    await store.passes.end(claim, ending)

    again = await claimed(store)
    assert (again.fence, again.epoch, again.rejections) == (2, 2, None)


async def test_what_apple_asked_for_stands_above_every_wake(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    claim = await claimed(store)
    await store.connections.wake(one)

    await store.passes.end(claim, Postponed(HOUR, 1, asked=HOUR))

    await store.connections.wake(one)
    await store.connections.follow(connected(one, "cal-1", "cal-2", revision=2))
    assert await nothing_due(store)


async def test_erasing_does_not_wait_for_apple(store: Store) -> None:
    one, other = new_id(), new_id()
    for each in (one, other):
        await store.connections.follow(connected(each, "cal-1"))
    before, meanwhile = await store.leases().claim(10)
    await store.connections.end(
        meanwhile.connection_id, epoch=1, revision=2, whose=disconnected(meanwhile.connection_id)
    )

    for claim in (before, meanwhile):
        await store.passes.end(claim, Postponed(HOUR, 1, asked=HOUR))
    await store.connections.end(before.connection_id, epoch=1, revision=2, whose=disconnected(before.connection_id))

    leases = store.leases()
    # The first may come upon one of them alone in its bucket.
    claims = [*await leases.claim(10), *await leases.claim(10)]
    assert {claim.connection_id for claim in claims} == {one, other}


async def test_a_stopped_connection_is_left_alone_until_it_is_reconnected(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    await store.passes.end(await claimed(store), Stopped(REFUSED))

    woken = await store.connections.wake(one)
    await store.connections.follow(connected(one, "cal-2", revision=2))
    left_alone = await nothing_due(store)
    await store.connections.follow(reconnected(one))

    claim = await claimed(store)
    assert (woken, left_alone) == (False, True)
    assert (claim.epoch, claim.rejections) == (2, None)


async def test_counted_rejections_come_back_with_the_next_claim(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    once = Rejections(1, since=NOW, last=NOW)

    await store.passes.end(await claimed(store), Postponed(timedelta(0), 0, rejections=once))

    assert (await claimed(store)).rejections == once


async def test_a_pass_that_came_to_nothing_may_end_a_row_of_rejections(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    await store.passes.end(
        await claimed(store), Postponed(timedelta(0), 0, rejections=Rejections(1, since=NOW, last=NOW))
    )

    await store.passes.end(await claimed(store), Postponed(timedelta(0), 1))

    assert (await claimed(store)).rejections is None


async def test_a_buried_connection_is_never_due_and_never_comes_back(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    await store.connections.end(one, epoch=1, revision=2, whose=disconnected(one))

    await store.passes.bury(await claimed(store))

    assert await nothing_due(store)
    assert not await store.connections.follow(connected(one, "cal-1", epoch=5))
    assert not await store.connections.wake(one)
    assert not await store.connections.end(one, epoch=5, revision=9, whose=disconnected(one))


async def test_only_what_is_in_erasure_can_be_buried(store: Store) -> None:
    await store.connections.follow(connected(new_id(), "cal-1"))

    with pytest.raises(LeaseLost):
        await store.passes.bury(await claimed(store))


async def test_what_the_connector_knows_of_the_home_is_what_we_compare_with(store: Store) -> None:
    one, calendars = new_id(), connected(new_id(), "cal-1").calendars
    told = HomeTold("digest", frozenset({"cal-9"}), "other", NOW)
    await store.connections.follow(connected(one, "cal-1"))
    claim = await claimed(store)

    await store.passes.told(claim, told)
    await store.leases().release([claim])
    after = await claimed(store)
    await store.connections.follow(connected(one, "cal-1", revision=2))

    await store.leases().release([after])
    again = await claimed(store)
    assert (claim.home_told, after.home_told, again.home_told) == (told_of(calendars), told, told_of(calendars))
    assert (claim.setup_revision, again.setup_revision) == (1, 2)
