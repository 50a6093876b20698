import pytest

from connector.application.disconnect import Disconnect, Disconnection
from connector.application.look_up import ListConnections, ShowConnection
from connector.application.refusals import NoSuchConnection
from connector.domain.connection import News, Owner
from connector_examples import LATER, MARIE, PAUL, SECRET, STRANGER, connection
from connector_fakes import FakeConnections


async def store_with_maries() -> FakeConnections:
    store = FakeConnections()
    await store.add(connection("c-1", MARIE), SECRET)
    return store


async def test_a_disconnected_connection_is_erased_and_its_end_is_news() -> None:
    store, rings = await store_with_maries(), []
    disconnect = Disconnect(store, lambda: LATER, lambda: rings.append(1))

    assert await disconnect(MARIE, "c-1") is Disconnection.ENDED

    assert (store.secrets, store.claims, await store.of(MARIE)) == ({}, {}, None)
    assert [(one.news, one.revision, one.terms) for one in store.kept["c-1"].pending] == [(News.DISCONNECTED, 2, None)]
    assert rings == [1]


async def test_disconnecting_again_finds_it_gone() -> None:
    store = await store_with_maries()
    disconnect = Disconnect(store, lambda: LATER, lambda: None)
    await disconnect(MARIE, "c-1")

    assert await disconnect(MARIE, "c-1") is Disconnection.ALREADY_GONE


@pytest.mark.parametrize("who", [PAUL, STRANGER])
async def test_nobody_elses_connection_can_be_ended(who: Owner) -> None:
    store = await store_with_maries()

    with pytest.raises(NoSuchConnection):
        await Disconnect(store, lambda: LATER, lambda: None)(who, "c-1")

    assert await store.of(MARIE)


async def test_a_connection_is_shown_to_its_user_and_within_its_account() -> None:
    show = ShowConnection(await store_with_maries())

    assert (await show("c-1", MARIE.account_id, MARIE.user_id)).owner == MARIE
    assert (await show("c-1", MARIE.account_id, None)).owner == MARIE


@pytest.mark.parametrize("who", [PAUL, STRANGER])
async def test_a_connection_is_not_shown_to_anybody_else(who: Owner) -> None:
    store = await store_with_maries()

    with pytest.raises(NoSuchConnection):
        await ShowConnection(store)("c-1", who.account_id, who.user_id)

    assert await ListConnections(store)(who) == ()
    assert [c.id for c in await ListConnections(store)(MARIE)] == ["c-1"]
