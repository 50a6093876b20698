"""Asking the workers for a look, as everybody asks them: by an event."""

from calsync.by_hand import ACTIVE
from calsync.ends import NotThere
from calsync.kafka import CLIENT, publisher
from calsync.stores import LEFT_OUT, Document, Stores
from contracts.events import HeldSince, RequestReason, SyncRequested
from contracts.wire import encode
from runtime.clock import system_clock
from runtime.settings import KafkaSettings


async def followed(stores: Stores, connection_id: str) -> Document:
    """A connection that the workers would look at. Raises NotThere, and says what stands in the way."""
    kept = await stores.synced.find_one({"_id": connection_id}, LEFT_OUT)
    if kept is None or kept.get("state") != ACTIVE:
        raise NotThere(f"The workers have no active connection {connection_id}. `calsync connection list` names them.")
    if "paused" in kept:
        raise NotThere(f"{connection_id} is paused: `calsync connection resume {connection_id}` first.")
    if "stopped_at" in kept:
        raise NotThere(f"Apple refuses the password of {connection_id}: its user has to reconnect.")
    return kept


async def ask(
    settings: KafkaSettings,
    kept: Document,
    *,
    confirm: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    seen: tuple[HeldSince, ...] = (),
) -> None:
    """Return when Kafka has the request. `seen` is what those who confirm or keep were shown."""
    now = system_clock()
    request = SyncRequested(
        account_id=kept["account_id"],
        user_id=kept["user_id"],
        connection_id=kept["_id"],
        epoch=kept["epoch"],
        revision=int(now.timestamp() * 1000),
        reason=RequestReason.OPS,
        requested_at=int(now.timestamp()),
        confirm_removals=confirm,
        keep_removals=keep,
        held_since=seen,
    )
    async with publisher(settings) as found:
        await found.publish([encode(request, source=CLIENT, time=now)])
