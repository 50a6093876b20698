from collections.abc import Sequence

import pytest

from contracts.wire import AnyEvent, Tombstone
from runtime.kafka import Delivery
from sync_worker.application.claim import State
from sync_worker.application.track_connection import RequestSync, SetupUnusable, TrackConnection
from sync_worker.domain.holds import Wish
from sync_worker.inbound.kafka import ConnectionNews, Requests
from worker_examples import connected, disconnected, new_id, requested
from worker_stores import Store, fake_store


@pytest.fixture
def store() -> Store:
    return fake_store()


def deliveries(*events: AnyEvent | Tombstone) -> Sequence[Delivery]:
    return [Delivery(event=event, topic="t", partition=0, offset=n, timestamp_ms=0) for n, event in enumerate(events)]


async def test_news_of_connections_is_followed_in_order(store: Store) -> None:
    one, two = new_id(), new_id()
    news = ConnectionNews(TrackConnection(store.connections))

    await news(deliveries(connected(one, "cal-1"), connected(two, "cal-1"), disconnected(two)))

    claims = {claim.connection_id: claim.state for claim in await store.leases().claim(10)}
    assert claims == {one: State.ACTIVE, two: State.ERASING}


async def test_a_batch_that_comes_twice_is_as_if_it_came_once(store: Store) -> None:
    one = new_id()
    news = ConnectionNews(TrackConnection(store.connections))
    batch = deliveries(connected(one, "cal-1"), disconnected(one), Tombstone(one, 1, 9))

    for _ in range(2):
        await news(batch)

    (claim,) = await store.leases().claim(10)
    assert (claim.state, claim.wakes) == (State.ERASING, 2)


@pytest.mark.parametrize(
    "unusable",
    [
        connected(new_id(), "cal-1", time_zone="Mars/Olympus"),
        connected(new_id(), "cal-1", time_zone="../etc/passwd"),
        connected(new_id(), "cal-1", "cal.$2"),
    ],
)
async def test_a_setup_that_can_never_be_used_is_refused_for_good(store: Store, unusable: AnyEvent) -> None:
    news = ConnectionNews(TrackConnection(store.connections))

    with pytest.raises(SetupUnusable):
        await news(deliveries(unusable))


async def test_a_request_makes_its_connection_due(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))
    (claim,) = await store.leases().claim(1)

    await Requests(RequestSync(store.connections))(deliveries(requested(one), requested(one), requested("unknown")))

    await store.leases().release([claim])
    (again,) = await store.leases().claim(1)
    assert again.wakes == claim.wakes + 1


async def test_requests_of_one_batch_lose_none_of_one_anothers_wishes(store: Store) -> None:
    one = new_id()
    await store.connections.follow(connected(one, "cal-1"))

    await Requests(RequestSync(store.connections))(
        deliveries(
            requested(one, confirm_removals=("a", "b")),
            requested(one),
            requested(one, keep_removals=("b", "no.$id")),
        )
    )

    (claim,) = await store.leases().claim(1)
    assert claim.wishes == {"a": Wish.CONFIRM, "b": Wish.KEEP}
