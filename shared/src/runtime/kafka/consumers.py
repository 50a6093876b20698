"""The consumers of a process: FastStream's broker, started patiently and stopped in bounded time."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from runtime import metrics
from runtime.clock import Clock, system_clock
from runtime.kafka.connection import REQUEST_TIMEOUT_MS, backoff, client_arguments, security
from runtime.kafka.consumer import Group, PolledConsumer, Record
from runtime.kafka.deadletters import DeadLetters
from runtime.kafka.delivery import Delivery, Subscription, TryLater
from runtime.kafka.fates import Fates, RawBatch
from runtime.kafka.publisher import Publisher
from runtime.kafka.traces import consuming
from runtime.logs import get_logger
from runtime.settings import KafkaSettings

_GRACE_SECONDS: Final = 8.0
"""What the batch in hand may take at the end."""
_STOP_SECONDS: Final = 10.0
_UNREADY_SECONDS: Final = 60.0
"""Past this poll age the consumer is behind: a handler is stuck, or the loop is."""
_MAX_POLL_SECONDS: Final = 300
"""Past this Kafka gives the partitions to others; a little later the process is not worth keeping."""
_UNWELL_SECONDS: Final = _MAX_POLL_SECONDS + 60.0
_SESSION_MS: Final = 10_000
"""How long a killed consumer keeps its partitions from the others."""
_REBALANCE_MS: Final = 30_000
_FETCH_BYTES: Final = 8 * 1024 * 1024
_UNTOLD: Final = "Kafka does not tell how far we are"
_EMPTY_POLL_MS: Final = 10
"""FastStream sleeps this long after a poll that brought nothing; the waiting itself is PolledConsumer's."""

_log = get_logger("kafka.consumers")


class Broker:
    """The consumers of a process, one for each group. Dead letters leave through `publisher`.

    Everything that fails for want of Kafka is tried again, at the start as later on.
    """

    def __init__(
        self, settings: KafkaSettings, client_id: str, publisher: Publisher, clock: Clock = system_clock
    ) -> None:
        self._arguments = client_arguments(settings, client_id)
        self._clock = clock
        self._groups: dict[str, Group] = {}
        self._starting: asyncio.Task[None] | None = None
        self._broker = _PollingBroker(
            self._groups,
            bootstrap_servers=list(settings.bootstrap_servers),
            client_id=client_id,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            security=security(settings),
            consumer_only=True,
            allow_auto_create_topics=False,
            graceful_timeout=_GRACE_SECONDS,
            middlewares=[Fates(DeadLetters(publisher, clock))],
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
            apply_types=False,
        )

    def follow(self, subscriptions: Sequence[Subscription]) -> None:
        """Add the subscriptions of one group, once and before the start."""
        if subscriptions[0].group in self._groups:
            raise ValueError(f"group {subscriptions[0].group} is followed already; name all its topics in one call")
        group = Group(subscriptions[0].group, {s.topic: s for s in subscriptions}, clock=self._clock)
        self._groups[group.name] = group
        metrics.POLL_AGE.labels(group.name).set_function(lambda: group.silence)
        for topic in group.subscriptions:
            metrics.LAG.labels(group.name, topic).set_function(partial(group.lag, topic))
            # A counter that appears with its first event looks as if nothing had happened.
            for counter in (metrics.CONSUMED, metrics.DEAD, metrics.LATER, metrics.STOPPED):
                counter.labels(group.name, topic)
        subscriber = self._broker.subscriber(
            *group.subscriptions,
            batch=True,
            group_id=group.name,
            max_records=max(s.batch_max for s in subscriptions),
            batch_timeout_ms=_EMPTY_POLL_MS,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
            auto_offset_reset="earliest",
            session_timeout_ms=_SESSION_MS,
            rebalance_timeout_ms=_REBALANCE_MS,
            max_poll_interval_ms=_MAX_POLL_SECONDS * 1000,
            fetch_max_bytes=_FETCH_BYTES,
            parser=_parser(group),
            decoder=_body,
        )
        subscriber(_dispatcher(group))

    async def start(self) -> None:
        """Begin to consume, and keep trying for as long as Kafka is away. Returns at once."""
        self._starting = asyncio.create_task(self._start_patiently())

    async def stop(self) -> None:
        """Let the batch in hand finish (8 s at most), commit and leave the groups."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._stop()

    def unready(self) -> str | None:
        """A readiness check for who only consumes: None while every group polls and no breaker is open."""
        return self.not_polling() or next(filter(None, (group.stopped for group in self._groups.values())), None)

    def not_polling(self) -> str | None:
        """A readiness check for who answers over HTTP, too: None while every group polls.

        A breaker does not count: a writer's fault opens it in all processes at once, and with none of them ready nobody
        would be answered. The metric and its alert tell of it, and answers tell their age.
        """
        for group in self._groups.values():
            if (age := group.poll_age) is None:
                return f"{group.name} does not consume yet"
            if age > _UNREADY_SECONDS:
                return f"{group.name} has not polled for {age:.0f} s"
        return None

    def unwell(self) -> str | None:
        """A liveness check: None unless a consumer has not polled for longer than Kafka waits for it."""
        for group in self._groups.values():
            if (group.poll_age or 0.0) > _UNWELL_SECONDS:
                return f"{group.name} has not polled for {group.poll_age:.0f} s"
        return None

    async def reach(self, group: str, topic: str, partition: int) -> tuple[int, int]:
        """Up to which offset the group is done with a partition, whoever of it has that, and where it ends now.

        Raises TryLater while Kafka does not tell.
        """
        at, consumer = TopicPartition(topic, partition), self._groups[group].consumer
        if consumer is None:
            raise TryLater(_UNTOLD)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                end = (await consumer.end_offsets([at]))[at]
                done = await consumer.committed(at)
                if done is None:
                    done = (await consumer.beginning_offsets([at]))[at]
        except (TimeoutError, KafkaError) as error:
            raise TryLater(_UNTOLD) from error
        return int(done), int(end)

    async def _start_patiently(self) -> None:
        attempt = 0
        while True:
            try:
                await self._probe()
                await self._broker.start()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would start the consumers
                attempt += 1
                _log.warning("kafka_unreachable", attempt=attempt, exc_info=error)
                await self._stop()
                await asyncio.sleep(backoff(attempt))
            else:
                _log.info("consuming", groups=sorted(self._groups), topics=sorted(self._topics()))
                return

    async def _probe(self) -> None:
        """Reach Kafka with a client of its own, which is easier to throw away than half a consumer."""
        client = AIOKafkaClient(**self._arguments)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                await client.bootstrap()
        finally:
            await client.close()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._broker.stop()
        except (TimeoutError, KafkaError, ExceptionGroup) as error:
            _log.warning("consumers_cut_off", why=type(error).__name__)
            for group in self._groups.values():
                await _cut_off(group)

    def _topics(self) -> set[str]:
        return {topic for group in self._groups.values() for topic in group.subscriptions}


def broker(settings: KafkaSettings, client_id: str, publisher: Publisher) -> Broker:
    """A process's consumers, without any subscription yet."""
    return Broker(settings, client_id, publisher)


def subscribe(broker: Broker, *subscriptions: Subscription) -> None:
    """Follow the topics; those of one group share one consumer, so name all of a group in one call."""
    for group in dict.fromkeys(subscription.group for subscription in subscriptions):
        broker.follow([subscription for subscription in subscriptions if subscription.group == group])


class _PollingBroker(KafkaBroker):
    """FastStream's broker with PolledConsumer in the place of aiokafka's own."""

    def __init__(self, groups: dict[str, Group], **arguments: Any) -> None:  # noqa: ANN401 - handed through
        super().__init__(**arguments)
        self._groups = groups

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        builder = await super()._connect()
        options = builder.keywords  # type: ignore[attr-defined]  # FastStream makes it a partial
        self.config.broker_config.builder = partial(self._consumer, options)
        return self.config.broker_config.builder

    def _consumer(self, options: dict[str, Any], *, group_id: str, **arguments: Any) -> PolledConsumer:  # noqa: ANN401
        return PolledConsumer(group=self._groups[group_id], group_id=group_id, **(options | arguments))


def _parser(group: Group) -> Callable[[tuple[Record, ...]], Any]:
    async def parse(records: tuple[Record, ...]) -> RawBatch:
        batch = RawBatch(records, b"", message_id=f"{records[0].offset}", consumer=group.consumer)
        batch.group = group
        return batch

    return parse


async def _body(message: RawBatch) -> Any:  # noqa: ANN401 - FastStream's type
    return message.body


def _dispatcher(group: Group) -> Callable[[Sequence[Delivery]], Any]:
    async def dispatch(deliveries: Sequence[Delivery]) -> None:
        with consuming(deliveries) as traced:
            await group.subscriptions[deliveries[0].topic].handler(traced)

    return dispatch


async def _cut_off(group: Group) -> None:
    """Close a consumer's connections without asking Kafka, which does not answer."""
    consumer, group.consumer = group.consumer, None
    if consumer is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await consumer._client.close()  # noqa: SLF001 - aiokafka has no call for it
