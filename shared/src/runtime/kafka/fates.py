"""The three fates of a record: done, again later, dead letter. One FastStream middleware decides them all."""

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any

from aiokafka import TopicPartition
from faststream import BaseMiddleware, ContextRepo
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import StreamMessage

from contracts.wire import Undecodable, UnknownEvent, decode
from runtime.kafka.consumer import Group, Record
from runtime.kafka.deadletters import DeadLetters
from runtime.kafka.delivery import Delivery
from runtime.kafka.settlement import Refused, Settlement
from runtime.kafka.traces import carried
from runtime.logs import get_logger

_log = get_logger("kafka.fates")


class RawBatch(KafkaAckableMessage):
    """What one poll brought: the records as they are, in `raw_message`; in `body` the deliveries of one call."""

    group: Group


class Fates:
    """The middleware of every consumer of a process (FastStream makes one scope of it for each batch)."""

    def __init__(self, dead_letters: DeadLetters) -> None:
        self._dead_letters = dead_letters

    def __call__(self, msg: Any, /, *, context: ContextRepo) -> BaseMiddleware:  # noqa: ANN401 - FastStream's type
        return _Scope(self._dead_letters, msg, context)


class _Scope(BaseMiddleware[Any, Any]):
    def __init__(self, dead_letters: DeadLetters, msg: object, context: ContextRepo) -> None:
        super().__init__(msg, context=context)
        self._dead_letters = dead_letters

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]) -> None:
        """Settle each topic of the batch; returning lets FastStream commit up to where each partition stands."""
        if not isinstance(msg, RawBatch):
            raise TypeError(type(msg))

        async def call(deliveries: Sequence[Delivery]) -> None:
            part = copy(msg)
            part.body = deliveries
            await call_next(part)

        for topic, records in _by_topic(msg.raw_message).items():
            settlement = Settlement(msg.group, msg.group.subscriptions[topic], call, self._dead_letters)
            try:
                await settlement(*_read(records))
            except Exception:  # noqa: BLE001 - a fault of this very code: hold the records rather than spin or lose them
                _log.exception("fates_failed", group=msg.group.name, topic=topic)
                for at, offset in _first_offsets(records).items():
                    msg.group.hold(at, offset, least=0)


def _read(records: Sequence[Record]) -> tuple[list[tuple[Record, Delivery]], list[Refused]]:
    """The deliveries of the records, and those that cannot be read; types newer than this code are passed over."""
    readable: list[tuple[Record, Delivery]] = []
    refused: list[Refused] = []
    for record in records:
        try:
            event = decode(record.topic, record.key, record.headers, record.value)
        except Undecodable as reason:
            refused.append(Refused(record, reason))
        except Exception as fault:  # noqa: BLE001 - whatever a stranger's bytes provoke costs this record only
            refused.append(Refused(record, fault))
        else:
            if not isinstance(event, UnknownEvent):
                place = (record.topic, record.partition, record.offset, record.timestamp)
                delivery = Delivery(event, *place, trace=carried(record.headers))
                readable.append((record, delivery))
    return readable, refused


def _by_topic(records: Sequence[Record]) -> dict[str, list[Record]]:
    topics: dict[str, list[Record]] = {}
    for record in records:
        topics.setdefault(record.topic, []).append(record)
    return topics


def _first_offsets(records: Sequence[Record]) -> dict[TopicPartition, int]:
    first: dict[TopicPartition, int] = {}
    for record in records:
        first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
    return first
