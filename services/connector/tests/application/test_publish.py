from datetime import timedelta

import pytest

from connector.application.publish import PublishPending, Unpublished
from connector.domain.connection import Announcement, Connection, News, Owner, ended, recalendared
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


async def three(store: FakeConnections) -> None:
    for number, user in enumerate(("usr-1", "usr-2", "usr-3"), 1):
        await store.add(connection(f"c-{number}", Owner(MARIE.account_id, user)), SECRET)


@pytest.mark.parametrize("how", ["refused", "unreadable"])
async def test_what_can_never_be_told_holds_up_nobody_else(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await three(store)
    guilty = {"refused": others.refused, "unreadable": store.unreadable}[how]
    guilty |= {"c-1", "c-2"}
    first = await store.named("c-1", MARIE.account_id)
    assert first
    assert await store.replace(first, recalendared(first, (*CALENDARS, WORK), told=1, at=LATER))
    publish = PublishPending(store, others, lambda: NOW)

    went_out = [await publish(), await publish()]
    said, early = capsys.readouterr().out, revisions(others.told)
    guilty.clear()
    await publish()

    assert (went_out, early) == ([1, 0], [("c-3", 1)])
    assert said.count("connection_passed_over") == said.count("connections_passed_over") == 2
    assert all(known in said for known in ("c-1", MARIE.account_id))
    assert revisions(others.told) == [("c-3", 1), ("c-1", 1), ("c-1", 2), ("c-2", 1)]


async def test_without_the_others_nothing_is_tried_one_by_one() -> None:
    store, others = FakeConnections(), FakeAnnouncer(away=True, refused={"c-1"})
    await three(store)

    with pytest.raises(Unpublished):
        await PublishPending(store, others, lambda: NOW)()

    assert others.told == []


@pytest.mark.parametrize("how", ["refused", "unreadable"])
async def test_an_end_whose_record_cannot_go_keeps_no_other(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await three(store)
    for number, user in enumerate(("usr-1", "usr-2", "usr-3"), 1):
        await store.bury(Owner(MARIE.account_id, user), f"c-{number}", lambda one: ended(one, at=NOW))
    await PublishPending(store, others, lambda: NOW)()
    guilty = {"refused": others.refused, "unreadable": store.unreadable}[how]
    guilty.add("c-2")
    publish = PublishPending(store, others, lambda: NOW + timedelta(days=7))

    gone = await publish()
    said, early = capsys.readouterr().out, revisions(others.forgotten)
    guilty.clear()
    await publish()

    assert (gone, early) == (2, [("c-1", 2), ("c-3", 2)])
    assert "connection_passed_over" in said
    assert revisions(others.forgotten)[2:] == [("c-2", 2)]


async def test_a_crash_between_telling_and_marking_tells_it_again() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await store.add(connection("c-1", MARIE), SECRET)
    await others.announce([connection("c-1", MARIE).announcement()])

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


class SpoiltOnce(FrozenOnce):
    """What it was overtaken by cannot be read any more when it wakes."""

    async def announce(self, announcements: object) -> None:
        await super().announce(announcements)
        self._store.unreadable.add("c-1")


async def test_who_was_overtaken_by_what_cannot_be_told_says_so_and_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    await store.add(connection("c-2", PAUL), SECRET)
    others = SpoiltOnce(store)

    told = await PublishPending(store, others, lambda: LATER)()

    assert (told, revisions(others.told)) == (2, [("c-1", 2), ("c-2", 1), ("c-1", 1), ("c-2", 1)])
    assert "connection_passed_over" in capsys.readouterr().out


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
