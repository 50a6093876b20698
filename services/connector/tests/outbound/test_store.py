"""What every store of connections promises."""

import asyncio
from datetime import timedelta

import pytest

from connector.application.disconnect import Disconnection
from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection
from connector.domain.connection import (
    Announcement,
    Connection,
    Gravestone,
    News,
    Owner,
    ended,
    recalendared,
)
from connector_examples import (
    CALENDARS,
    FINGERPRINT,
    LATER,
    MARIE,
    NOW,
    PAUL,
    SECRET,
    STRANGER,
    WORK,
    connection,
)
from connector_stores import Store


def end(one: Connection) -> Gravestone:
    return ended(one, at=LATER)


async def waiting(store: Store) -> list[Announcement]:
    return [one for several in await store.waiting() for one in several]


async def test_a_connection_is_found_again_as_it_was(store: Store) -> None:
    new = connection("c-1", MARIE)

    await store.connections.add(new, SECRET)

    assert await store.connections.of(MARIE) == new
    assert await store.connections.named("c-1", MARIE.account_id) == new
    assert await store.connections.with_epoch("c-1", 1) == new
    assert await store.secrets() == {"c-1"}
    assert await store.claims() == {FINGERPRINT: (MARIE.account_id, {"c-1"})}
    assert await waiting(store) == [new.announcement()]


async def test_a_connection_is_not_found_outside_its_account_user_and_epoch(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    assert await store.connections.of(PAUL) is None
    assert await store.connections.of(STRANGER) is None
    assert await store.connections.named("c-1", STRANGER.account_id) is None
    assert await store.connections.with_epoch("c-1", 2) is None


async def test_a_second_connection_of_a_user_is_refused_and_leaves_nothing(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    with pytest.raises(AlreadyConnected):
        await store.connections.add(connection("c-2", MARIE, fingerprint="other"), SECRET)

    assert await store.secrets() == {"c-1"}
    assert set(await store.claims()) == {FINGERPRINT}
    assert len(await waiting(store)) == 1


async def test_an_apple_account_of_another_account_is_refused_and_leaves_nothing(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    with pytest.raises(AppleAccountInUse):
        await store.connections.add(connection("c-2", STRANGER), SECRET)

    assert await store.connections.of(STRANGER) is None
    assert await store.secrets() == {"c-1"}
    assert await store.claims() == {FINGERPRINT: (MARIE.account_id, {"c-1"})}


async def test_an_apple_account_is_free_again_when_the_last_connection_to_it_has_ended(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.add(connection("c-2", PAUL), SECRET)

    await store.connections.bury(MARIE, "c-1", end)
    held = await store.claims()
    await store.connections.bury(PAUL, "c-2", end)

    assert held == {FINGERPRINT: (MARIE.account_id, {"c-2"})}
    assert await store.claims() == {}
    await store.connections.add(connection("c-3", STRANGER), SECRET)


async def test_ten_at_once_for_one_user_make_one_connection(store: Store) -> None:
    wishes = [store.connections.add(connection(f"c-{number}", MARIE), SECRET) for number in range(10)]

    outcomes = await asyncio.gather(*wishes, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyConnected"] * 9 + ["NoneType"]
    assert len(await store.secrets()) == len(await waiting(store)) == 1


async def test_two_accounts_at_once_for_one_apple_account_make_one_connection(store: Store) -> None:
    wishes = [store.connections.add(connection(f"c-{owner.account_id}", owner), SECRET) for owner in (MARIE, STRANGER)]

    outcomes = await asyncio.gather(*wishes, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AppleAccountInUse", "NoneType"]
    assert len(await store.secrets()) == len(await waiting(store)) == 1


async def test_a_buried_connection_leaves_its_end_to_be_told_and_nothing_else(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    assert await store.connections.bury(MARIE, "c-1", end) is Disconnection.ENDED

    assert await store.connections.of(MARIE) is None
    assert await store.connections.named("c-1", MARIE.account_id) is None
    assert await store.secrets() == set()
    assert await waiting(store) == [Gravestone("c-1", MARIE, 1, 2, LATER).announcement()]


async def test_burying_again_changes_nothing(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.bury(MARIE, "c-1", end)

    again = await store.connections.bury(MARIE, "c-1", lambda one: ended(one, at=LATER + timedelta(days=1)))

    assert again is Disconnection.ALREADY_GONE
    assert [one.at for one in await waiting(store)] == [LATER]


async def test_burying_twice_at_once_ends_it_once(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    outcomes = await asyncio.gather(*(store.connections.bury(MARIE, "c-1", end) for _ in range(4)))

    assert sorted(outcomes) == [Disconnection.ALREADY_GONE] * 3 + [Disconnection.ENDED]


@pytest.mark.parametrize("who", [PAUL, STRANGER])
async def test_nobody_else_can_bury(store: Store, who: Owner) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    with pytest.raises(NoSuchConnection):
        await store.connections.bury(who, "c-1", end)

    assert await store.secrets() == {"c-1"}


async def test_a_user_may_connect_again_after_the_end(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.bury(MARIE, "c-1", end)

    await store.connections.add(connection("c-2", MARIE), SECRET)

    found = await store.connections.of(MARIE)
    assert found
    assert found.id == "c-2"


async def test_what_is_marked_does_not_wait_any_more(store: Store) -> None:
    old = connection("c-1", MARIE)
    await store.connections.add(old, SECRET)
    new = recalendared(old, (*CALENDARS, WORK), told=7, at=LATER)
    await store.connections.replace(old, new)

    assert await store.outbox.mark(old.announcement()) == ()
    between = await waiting(store)
    assert await store.outbox.mark(new.announcement()) == ()

    assert (between, await waiting(store)) == ([new.announcement()], [])


async def test_marking_the_same_twice_is_nothing_to_worry_about(store: Store) -> None:
    one = connection("c-1", MARIE)
    await store.connections.add(one, SECRET)
    await store.outbox.mark(one.announcement())

    assert await store.outbox.mark(one.announcement()) == ()


async def test_marking_what_is_overtaken_brings_the_newest_back(store: Store) -> None:
    one = connection("c-1", MARIE)
    await store.connections.add(one, SECRET)
    await store.connections.bury(MARIE, "c-1", end)
    grave = (await waiting(store))[0]
    await store.outbox.mark(grave)

    assert await store.outbox.mark(one.announcement()) == (grave,)
    assert grave.news is News.DISCONNECTED


async def test_who_marks_what_somebody_has_marked_gets_all_that_waits_by_then(store: Store) -> None:
    first = connection("c-1", MARIE)
    await store.connections.add(first, SECRET)
    await store.outbox.mark(first.announcement())
    second = recalendared(first, (*CALENDARS, WORK), told=7, at=LATER)
    third = recalendared(second, CALENDARS, told=8, at=LATER)
    assert await store.connections.replace(first, second)
    assert await store.connections.replace(second, third)

    waits = (second.announcement(), third.announcement())
    assert await store.outbox.mark(first.announcement()) == waits


async def test_an_end_may_be_forgotten_a_week_after_it_once_it_was_told(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.bury(MARIE, "c-1", end)
    grave = (await waiting(store))[0]
    week = LATER + timedelta(days=7)

    untold = await store.forgettable(week)
    await store.outbox.mark(grave)
    early = await store.forgettable(week - timedelta(seconds=1))
    due = await store.forgettable(week)
    await store.outbox.mark_forgotten(grave)

    assert (untold, early, due) == ([], [], [grave])
    assert await store.forgettable(week) == []


async def test_no_more_is_read_at_once_than_a_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.outbound.mongo.outbox._PAGE", 3)
    monkeypatch.setattr("connector_fakes.PAGE", 3)
    for number in range(5):
        owner = Owner(MARIE.account_id, f"usr-{number}")
        await store.connections.add(connection(f"c-{number}", owner, at=NOW), SECRET)

    pages = [page async for page in store.outbox.waiting()]

    assert [len(page) for page in pages] == [3, 2]
    assert {one for page in pages for one in page} == {(MARIE.account_id, f"c-{number}") for number in range(5)}
    assert len(await store.waiting()) == 5


async def test_what_was_told_since_a_page_was_made_is_not_read_from_it(store: Store) -> None:
    for number, owner in enumerate((MARIE, PAUL)):
        await store.connections.add(connection(f"c-{number}", owner), SECRET)
    (page,) = [page async for page in store.outbox.waiting()]

    await store.outbox.mark(connection("c-0", MARIE).announcement())

    assert await store.outbox.read(page) == [(connection("c-1", PAUL).announcement(),)]
