"""A connection told again as it is, so that it is its key's last word, whatever the connector does meanwhile."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from calsync.ends import NotThere
from calsync.stores import Document, Stores
from contracts.events import CalendarConnected, CalendarDisconnected, CalendarReconnected, CalendarSetupChanged
from contracts.wire import WireRecord, encode, tombstone
from runtime.kafka import Publisher, PublishFailed, RecordTooLarge

DISCONNECTED: Final = "disconnected"
_CONNECTOR: Final = "connector"
_STANDING: Final = {
    "connected": CalendarConnected,
    "reconnected": CalendarReconnected,
    "setup_changed": CalendarSetupChanged,
}
_WHOSE: Final = ("account_id", "user_id", "epoch", "revision")
_TOLD: Final = dict.fromkeys((*_WHOSE, "state", "news", "changed_at", "terms", "published", "forget_at"), True)
_UNTELLABLE: Final = (ValueError, TypeError, LookupError, AttributeError, RecordTooLarge)
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_AGAIN_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 30.0
"""For what the connector has to tell meanwhile."""


async def told_again(found: Stores, kafka: Publisher, connection_id: str, *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Return when the last word on it is what is kept. False: the connector has yet to tell that, and will.

    The connector may tell something newer at any moment, before ours or after. So ours is followed by a look, and
    where that finds something else than was told, by that, once the connector has told it. Raises NotThere.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    told: object = None
    while True:
        own = await _now(found, connection_id)
        state = (own["epoch"], own["revision"], "forget_at" in own)
        if state == told:
            return True
        if own["published"] >= own["revision"]:
            await _tell(kafka, connection_id, own)
            told = state
        elif told is None:
            return False
        elif loop.time() >= until:
            raise NotThere("it was changed meanwhile, and that waits for Kafka: `calsync pending`, then the same again")
        else:
            await asyncio.sleep(_AGAIN_SECONDS)


def records_of(connection_id: str, own: Document) -> Sequence[WireRecord]:
    """What the connector tells of a connection's newest revision; the end of one is final, and its key goes with it."""
    whose = {name: own[name] for name in _WHOSE} | {"connection_id": connection_id}
    if own["state"] != DISCONNECTED:
        standing = _STANDING[own["news"]].model_validate(whose | own["terms"])
        return [encode(standing, source=_CONNECTOR, time=own["changed_at"])]
    end = CalendarDisconnected.model_validate(whose)
    # Until `forget_at` the connector itself is still to end the key.
    over = [] if "forget_at" in own else [tombstone(end, source=_CONNECTOR, time=own["changed_at"])]
    return [encode(end, source=_CONNECTOR, time=own["changed_at"]), *over]


async def _tell(kafka: Publisher, connection_id: str, own: Document) -> None:
    try:
        await kafka.publish(records_of(connection_id, own))
    except (*_UNTELLABLE, PublishFailed) as error:
        if isinstance(error, PublishFailed) and not isinstance(error.__cause__, _TOO_LARGE):
            raise
        # What it choked on is somebody's setup.
        raise NotThere("it cannot be told as it is: tell the developers") from None


async def _now(found: Stores, connection_id: str) -> dict[str, Any]:
    """As it is at this moment, acknowledged by a majority: an older answer would hide what was told before ours."""
    exactly = found.client["connector"].get_collection(
        "connections", read_preference=ReadPreference.PRIMARY, read_concern=ReadConcern("linearizable")
    )
    own: Document | None = await exactly.find_one({"_id": connection_id}, _TOLD)
    if own is None:
        raise NotThere(f"The connector does not know {connection_id}. `calsync connection list` names connections.")
    return own
