from datetime import timedelta

import pytest

from connector.application.publish import PublishPending, Unpublished
from connector.domain.connection import Announcement, Connection, Owner, ended, recalendared
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
    assert others.tries == 1


async def test_connections_that_cannot_be_told_of_at_the_moment_hold_up_no_other() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    for number in range(450):
        await store.add(connection(f"c-{number}", Owner(MARIE.account_id, f"usr-{number}")), SECRET)
    others.lost = {"c-1", "c-2", "c-449"}
    publish = PublishPending(store, others, lambda: NOW)

    for _ in range(2):
        with pytest.raises(Unpublished):
            await publish()
    told, tries = {one.connection_id for one in others.told}, others.tries
    others.lost = set()
    afterwards = await publish()

    assert (len(told), told & {"c-1", "c-2", "c-449"}) == (447, set())
    assert tries == 3 + 2, "three pages of the others, and once in each sweep those of the lost"
    assert afterwards == 3


async def test_ends_whose_records_cannot_go_at_the_moment_keep_no_other() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await three(store)
    for number, user in enumerate(("usr-1", "usr-2", "usr-3"), 1):
        await store.bury(Owner(MARIE.account_id, user), f"c-{number}", lambda one: ended(one, at=NOW))
    await PublishPending(store, others, lambda: NOW)()
    others.lost = {"c-2"}
    publish = PublishPending(store, others, lambda: NOW + timedelta(days=7))

    with pytest.raises(Unpublished):
        await publish()
    early = revisions(others.forgotten)
    others.lost = set()
    await publish()

    assert (early, revisions(others.forgotten)) == ([("c-1", 2), ("c-3", 2)], [("c-1", 2), ("c-3", 2), ("c-2", 2)])


async def test_who_cannot_be_told_of_is_not_tried_again_for_an_end_in_the_same_sweep() -> None:
    store, others = FakeConnections(), FakeAnnouncer()
    await three(store)
    for number, user in ((1, "usr-1"), (2, "usr-2")):
        await store.bury(Owner(MARIE.account_id, user), f"c-{number}", lambda one: ended(one, at=NOW))
    await PublishPending(store, others, lambda: NOW)()
    third = await store.named("c-3", MARIE.account_id)
    assert third
    assert await store.replace(third, recalendared(third, (*CALENDARS, WORK), told=1, at=LATER))
    others.lost, others.tries = {"c-1", "c-3"}, 0

    with pytest.raises(Unpublished):
        await PublishPending(store, others, lambda: NOW + timedelta(days=7))()

    assert (revisions(others.forgotten), others.tries) == ([("c-2", 2)], 2)


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
