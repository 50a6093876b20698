"""What a consumer of ours sees: decoded records, and the word that asks for them again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.wire import AnyEvent, Tombstone


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record of Kafka, decoded. It may come more than once, and never before its predecessor of the same key."""

    event: AnyEvent | Tombstone
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    trace: str | None = None
    """What it is to go on with, as `runtime.tracing` has it."""


Handler = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Does what the deliveries of one topic ask for, in their order, as often as it is called with them.

Returning means done. TryLater, MongoDB's or Kafka's absence, TimeoutError and ConnectionError mean again later.
Any other error means that a record is refused for good; the guilty one is found by calling again with one at a time.
"""


class TryLater(Exception):
    """The work is sound but cannot be done now; `after` is the least time to wait, where known."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that a consumer group follows with a handler; subscriptions of one group share one consumer.

    `later` names further errors that mean again later; `batch_max` bounds what one call of the handler gets.
    """

    topic: str
    group: str
    handler: Handler
    batch_max: int = 500
    later: tuple[type[Exception], ...] = ()
