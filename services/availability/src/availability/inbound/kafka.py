"""News from the topics, handed on in batches. A news type that says nothing about busy times is passed over."""

from collections.abc import Sequence
from typing import Final

from availability.application.record_connections import ConnectionEvent, RecordConnections
from availability.application.record_events import EventNews, RecordEvents
from availability.application.record_syncs import RecordSyncs, SyncNews
from contracts.topics import CONNECTIONS, ICLOUD_EVENTS, SYNC
from runtime.kafka import Delivery, Subscription

GROUP: Final = "availability"
_BATCH: Final = 1_000
"""Measured: 1,000 guarded writes in one go take a quarter less time each than 200; more gain nothing."""


def subscriptions(connections: RecordConnections, events: RecordEvents, syncs: RecordSyncs) -> tuple[Subscription, ...]:
    """What the service follows, all of it by one consumer."""

    async def on_connections(deliveries: Sequence[Delivery]) -> None:
        await connections([one.event for one in deliveries if isinstance(one.event, ConnectionEvent)])

    async def on_events(deliveries: Sequence[Delivery]) -> None:
        await events([one.event for one in deliveries if isinstance(one.event, EventNews)])

    async def on_syncs(deliveries: Sequence[Delivery]) -> None:
        await syncs([one.event for one in deliveries if isinstance(one.event, SyncNews)])

    return (
        Subscription(CONNECTIONS.name, GROUP, on_connections, batch_max=_BATCH),
        Subscription(ICLOUD_EVENTS.name, GROUP, on_events, batch_max=_BATCH),
        Subscription(SYNC.name, GROUP, on_syncs, batch_max=_BATCH),
    )
