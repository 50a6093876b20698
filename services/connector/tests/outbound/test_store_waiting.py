"""What every store of connections promises of announcements that cannot be told for long, or have to be told again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from bson import encode

from connector.application.publish import PublishPending, Unpublishable, Waiting
from connector.application.refusals import TooMuchUntold
from connector.domain.calendars import MOST_CALENDARS, Calendar, name_shown
from connector.domain.connection import Announcement, Connection, News, ended, recalendared, reconnected
from connector.domain.waiting import MOST_BEGINNINGS, still_told
from connector_examples import CALENDARS, LATER, MARIE, NOW, SECRET, WORK, connection
from connector_fakes import FakeAnnouncer
from connector_stores import Databases, Store, mongo_store
from icloud.credentials import KeyPair

IT = Waiting(MARIE.account_id, "c-1")
LARGEST = tuple(
    replace(WORK, id=f"{number:024x}", name=name_shown("\N{CALENDAR}" * 1_000)) for number in range(MOST_CALENDARS)
)
DOCUMENT_BYTES = 16 * 1024 * 1024


async def waiting(store: Store) -> list[Announcement]:
    return [one for several in await store.waiting() for one in several]


async def changed(store: Store, calendars: tuple[Calendar, ...] = CALENDARS) -> Connection:
    """The workers found another calendar, or one less."""
    old = await store.connections.of(MARIE)
    assert old
    found = calendars if len(old.terms.calendars) < len(calendars) else calendars[:-1]
    new = recalendared(old, found, told=old.calendars_told + 1, at=LATER)
    assert await store.connections.replace(old, new)
    return new


async def again(store: Store, calendars: tuple[Calendar, ...] = CALENDARS) -> Connection:
    old = await store.connections.of(MARIE)
    assert old
    return await store.connections.renew(old, lambda one: reconnected(one, one.apple, calendars, at=LATER), SECRET)


async def test_setups_that_others_followed_do_not_wait_for_ever(store: Store) -> None:
    first = connection("c-1", MARIE)
    await store.connections.add(first, SECRET)
    everything = [first.announcement()]

    everything += [(await step(store)).announcement() for step in (changed, changed, changed, again, *[changed] * 9)]
    left = await waiting(store)
    await store.outbox.mark(left[0])
    everything.append((await changed(store)).announcement())

    expected = everything[:1]
    for _, one in pairwise(everything[:-1]):
        expected = [*still_told([*expected, one])]
    assert left == expected
    assert (left[0], left[-1], len(left)) == (everything[0], everything[-2], 5)
    assert [one.news for one in left].count(News.RECONNECTED) == 1
    assert await waiting(store) == [*left[1:], everything[-1]]


async def test_no_more_reconnects_are_taken_than_may_wait_and_a_refusal_changes_nothing(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    for _ in range(MOST_BEGINNINGS - 1):
        await again(store)
        await changed(store)
        await changed(store)
    before, left = await store.connections.of(MARIE), await waiting(store)

    with pytest.raises(TooMuchUntold):
        await again(store)

    assert (await store.connections.of(MARIE), await waiting(store)) == (before, left)
    await store.outbox.mark(left[0])
    assert (await again(store)).epoch == MOST_BEGINNINGS + 1


@pytest.mark.servers
async def test_however_long_kafka_is_away_the_document_can_be_written(mine: Databases, keys: KeyPair) -> None:
    store = await mongo_store(mine, keys.public_key_file)
    first = connection("c-1", MARIE)
    await store.connections.add(replace(first, terms=replace(first.terms, calendars=LARGEST)), SECRET)

    for _ in range(MOST_BEGINNINGS - 1):
        await again(store, LARGEST)
        for _ in range(8):
            await changed(store, LARGEST)

    document = await mine.client[mine.connector]["connections"].find_one({"_id": "c-1"})
    assert document
    assert len(encode(document)) < DOCUMENT_BYTES / 2
    assert len(document["pending"]) == MOST_BEGINNINGS + 1


@pytest.mark.parametrize("over", [False, True], ids=["living", "ended"])
async def test_the_newest_waits_again_once_and_is_told_as_it_was(store: Store, *, over: bool) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    newest = (await changed(store)).announcement()
    if over:
        await store.connections.bury(MARIE, "c-1", lambda one: ended(one, at=LATER))
        (newest,) = await waiting(store)
    before = await waiting(store)
    await store.outbox.wait_again(IT)
    unchanged = await waiting(store)
    await store.outbox.mark(newest)

    await store.outbox.wait_again(IT)
    await store.outbox.wait_again(IT)
    told_again = await waiting(store)
    late = await store.outbox.mark(connection("c-1", MARIE).announcement())
    await store.outbox.mark(newest)

    assert unchanged == before
    assert (told_again, late) == ([newest], (newest,))
    assert await waiting(store) == []


async def test_an_end_whose_records_have_gone_and_that_is_told_again_goes_a_week_later(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.bury(MARIE, "c-1", lambda one: ended(one, at=NOW))
    (end,) = await waiting(store)
    await store.outbox.mark(end)
    await store.outbox.mark_forgotten(end)

    await store.outbox.wait_again(IT)
    await store.outbox.mark(end)

    now = datetime.now(UTC)
    assert await store.forgettable(now + timedelta(days=6)) == []
    assert await store.forgettable(now + timedelta(days=7, minutes=1)) == [end]


@pytest.mark.servers
async def test_what_cannot_be_read_waits_again_and_is_old_from_then_on(mine: Databases, keys: KeyPair) -> None:
    store, others = await mongo_store(mine, keys.public_key_file), FakeAnnouncer()
    outbox, connections = store.outbox, mine.client[mine.connector]["connections"]
    first = connection("c-1", MARIE)
    await store.connections.add(first, SECRET)
    newest = await changed(store)
    await outbox.mark(newest.announcement())
    await connections.update_one({"_id": "c-1"}, {"$set": {"news": "spoilt"}})
    with pytest.raises(Unpublishable):
        await outbox.mark(first.announcement())

    await outbox.wait_again(IT)
    publish = PublishPending(outbox, others, lambda: LATER)
    stuck, measured = await publish(), await outbox.measure()  # type: ignore[union-attr]  # of MongoDB's alone
    await connections.update_one({"_id": "c-1"}, {"$set": {"pending.0.news": newest.news.value}})
    told = await publish()

    assert (stuck, told, others.told) == (0, 1, [newest.announcement()])
    assert (measured[0], measured[1] < 600) == (1, True)
