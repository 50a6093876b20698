from collections.abc import Sequence

import pytest

from contracts.events import AppointmentInConflict
from contracts.wire import AnyEvent, Tombstone
from runtime.kafka import Delivery
from sync_worker.application.claim import State
from sync_worker.application.track_appointments import TrackAppointments
from sync_worker.application.track_connection import RequestSync, SetupUnusable, TrackConnection
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Wish, hold
from sync_worker.domain.tracked import Tracked
from sync_worker.inbound.kafka import Bookings, ConnectionNews, Requests
from worker_appointments import START, booked, cancelled, linked, rescheduled
from worker_examples import NOW, connected, disconnected, new_id, requested
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
    (claim,) = await store.leases().claim(1)
    for calendar in ("a", "b"):
        held = hold(Doubt.SHRUNKEN, known=40, missing=30, now=NOW)
        await store.passes.remember(claim, calendar, Tracked("/c/", "basis", hold=held))
    await store.leases().release([claim])

    await Requests(RequestSync(store.connections))(
        deliveries(
            requested(one, confirm_removals=("a", "b"), requested_at=int(NOW.timestamp())),
            requested(one),
            requested(one, keep_removals=("b", "no.$id")),
        )
    )

    (claim,) = await store.leases().claim(1)
    assert claim.wishes == {"a": Wish.CONFIRM, "b": Wish.KEEP}


async def test_bookings_are_kept_before_they_are_acknowledged_and_said_twice_are_kept_once(store: Store) -> None:
    one = new_id()
    await store.connections.follow(linked(one, "cal-1"))
    bookings = Bookings(TrackAppointments(store.appointments, lambda: NOW))
    batch = deliveries(booked("a"), rescheduled("a", 2, title="Other"), booked("b"), cancelled("b", 2))

    for _ in range(2):
        await bookings(batch)

    (claim,) = await store.leases().claim(1)
    jobs = await store.appointments.due(claim, 10)
    assert [(job.appointment_id, job.revision, job.agreed is None) for job in jobs] == [("b", 2, True), ("a", 2, False)]


async def test_what_else_is_said_of_appointments_is_passed_over(store: Store) -> None:
    one = new_id()
    await store.connections.follow(linked(one, "cal-1"))
    conflict = AppointmentInConflict(
        **booked("a").model_dump(include={"account_id", "user_id", "epoch", "appointment_id", "start", "end"}),
        revision=2,
        conflicts=(),
    )

    await Bookings(TrackAppointments(store.appointments, lambda: NOW))(deliveries(booked("a"), conflict))

    (claim,) = await store.leases().claim(1)
    (job,) = await store.appointments.due(claim, 10)
    assert job.revision == 1


@pytest.mark.parametrize("end", [START, START - 1, 10**12])
async def test_an_appointment_that_no_calendar_can_show_costs_nobody_else_theirs(store: Store, end: int) -> None:
    one = new_id()
    await store.connections.follow(linked(one, "cal-1"))
    bookings = Bookings(TrackAppointments(store.appointments, lambda: NOW))

    await bookings(deliveries(booked("a", end=end), rescheduled("b", 2, end=end), booked("c")))

    (claim,) = await store.leases().claim(1)
    assert [job.appointment_id for job in await store.appointments.due(claim, 10)] == ["c"]
