from datetime import timedelta

import pytest

from connector.application.publish import PublishPending, Unpublished
from connector.domain.connection import Announcement, Connection, News, ended, recalendared
from connector_examples import CALENDARS, LATER, MARIE, NOW, PAUL, SECRET, WORK, connection
from connector_fakes import FakeAnnouncer, FakeConnections


def revisions(told: list[Announcement]) -> list[tuple[str, int]]:
    return [(one.connection_id, one.revision) for one in told]


async def with_two_revisions(store: FakeConnections) -> Connection:
    first = connection("c-1", MARIE)
    await store.add(first, SECRET)
    second = recalendared(first, (*CALENDARS, WORK), told=1, at=LATER)
    assert await store.replace(first, second)
    return second


async def test_what_waits_goes_out_in_the_order_of_revisions_and_only_once() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await with_two_revisions(store)
    publish = PublishPending(store, others, lambda: NOW)

    assert await publish() == 2
    assert await publish() == 0

    assert revisions(others.told) == [("c-1", 1), ("c-1", 2)]


async def test_while_nobody_can_be_told_everything_waits() -> None:
    store, others = FakeConnections(), FakeAnnouncer(away=True)
    await with_two_revisions(store)
    publish = PublishPending(store, others, lambda: NOW)

    with pytest.raises(Unpublished):
        await publish()
    others.away = False
    await publish()

    assert revisions(others.told) == [("c-1", 1), ("c-1", 2)]


async def test_a_crash_between_telling_and_marking_tells_it_again() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await store.add(connection("c-1", MARIE), SECRET)
    await others.announce((await store.waiting(1))[0])

    await PublishPending(store, others, lambda: NOW)()

    assert revisions(others.told) == [("c-1", 1), ("c-1", 1)]


class FrozenOnce(FakeAnnouncer):
    """Before its first word reaches the others, somebody else tells and marks everything that is newer."""

    def __init__(self, store: FakeConnections) -> None:
        super().__init__()
        self._store = store
        self._awake = False

    async def announce(self, announcements: object) -> None:
        if not self._awake:
            self._awake = True
            found = await self._store.named("c-1", MARIE.account_id)
            assert found
            await self._store.bury(MARIE, "c-1", lambda one: ended(one, at=LATER))
            await PublishPending(self._store, self, lambda: LATER)()
        await super().announce(announcements)  # type: ignore[arg-type]  # handed through as it came


async def test_who_was_overtaken_while_telling_tells_the_newest_again_so_that_it_is_the_last_word() -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    others = FrozenOnce(store)

    await PublishPending(store, others, lambda: LATER)()

    assert [(one.revision, one.news) for one in others.told] == [
        (2, News.DISCONNECTED),
        (1, News.CONNECTED),
        (2, News.DISCONNECTED),
    ]


async def test_more_connections_than_a_batch_all_go_out() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    for number in range(450):
        owner = type(PAUL)(PAUL.account_id, f"usr-{number}")
        await store.add(connection(f"c-{number}", owner), SECRET)

    assert await PublishPending(store, others, lambda: NOW)() == 450
    assert len({one.connection_id for one in others.told}) == 450


async def test_the_records_of_an_end_go_a_week_after_it_and_once() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await store.add(connection("c-1", MARIE), SECRET)
    await store.bury(MARIE, "c-1", lambda one: ended(one, at=NOW))
    clock = [NOW + timedelta(days=6, hours=23)]
    publish = PublishPending(store, others, lambda: clock[0])

    await publish()
    early = revisions(others.forgotten)
    clock[0] = NOW + timedelta(days=7)
    await publish()
    await publish()

    assert (early, revisions(others.forgotten)) == ([], [("c-1", 2)])
