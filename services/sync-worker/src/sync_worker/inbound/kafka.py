"""What the worker hears on Kafka."""

from collections.abc import Sequence
from typing import Final

from contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    Event,
    SyncRequested,
)
from contracts.topics import APPOINTMENTS, CONNECTIONS, SYNC_REQUESTS
from contracts.wire import Tombstone
from runtime import metrics, tracing
from runtime.kafka import Delivery, Subscription
from runtime.logs import get_logger
from sync_worker.application.track_appointments import TrackAppointments
from sync_worker.application.track_connection import RequestSync, TrackConnection

GROUP: Final = "sync-worker"

_log = get_logger("sync_worker.kafka")


class ConnectionNews:
    """The handler of the connections' topic."""

    def __init__(self, track: TrackConnection) -> None:
        self._track = track

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        """Done when every piece of news is kept."""
        for delivery in deliveries:
            said = delivery.event
            if not isinstance(said, Event | Tombstone):
                continue
            with tracing.following(delivery.trace):
                if await self._track(said):
                    _log.info("connection_followed", connection_id=said.key, said=type(said).__name__)
                else:
                    metrics.STALE.labels("connection").inc()


class Requests:
    """The handler of the requests' topic."""

    def __init__(self, request: RequestSync) -> None:
        self._request = request

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        """Done when all that were asked for are due. Several requests for one connection are served as one."""
        asked: dict[str, list[SyncRequested]] = {}
        traces: dict[str, str | None] = {}
        for one in deliveries:
            if isinstance(one.event, SyncRequested):
                asked.setdefault(one.event.connection_id, []).append(one.event)
                traces[one.event.connection_id] = one.trace or traces.get(one.event.connection_id)
        for connection_id, requests in asked.items():
            with tracing.following(traces[connection_id]):
                woken = await self._request(connection_id, requests)
                reasons = sorted({one.reason.value for one in requests})
                _log.info("sync_requested", connection_id=connection_id, reasons=reasons, woken=woken)


class Bookings:
    """The handler of the appointments' topic."""

    def __init__(self, track: TrackAppointments) -> None:
        self._track = track

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        """Done when all that is wanted is kept, and the connections that are to write it are due."""
        for delivery in deliveries:
            said = delivery.event
            if isinstance(said, AppointmentBooked | AppointmentRescheduled | AppointmentCancelled):
                with tracing.following(delivery.trace):
                    news = await self._track(said)
                    told = {"appointment_id": said.appointment_id, "revision": said.revision, "news": news}
                    _log.info("appointment_followed", **told)
                if not news:
                    metrics.STALE.labels("appointment").inc()


def subscriptions(
    news: ConnectionNews, requests: Requests, bookings: Bookings, group: str = GROUP
) -> tuple[Subscription, ...]:
    """What all workers follow as one group."""
    return (
        Subscription(CONNECTIONS.name, group, news),
        Subscription(SYNC_REQUESTS.name, group, requests),
        Subscription(APPOINTMENTS.name, group, bookings),
    )
