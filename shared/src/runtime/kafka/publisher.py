"""Records written to Kafka for good."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.partitioner import murmur2

from contracts.wire import WireRecord
from runtime import metrics, tracing
from runtime.kafka.connection import backoff, client_arguments
from runtime.kafka.traces import TRACE_BYTES, publishing
from runtime.logs import get_logger
from runtime.settings import KafkaSettings

LARGEST_RECORD: Final = 1_000_000
"""Bytes of key, value and headers together. Kafka's own default limit is 1,048,588 for a batch with its overhead."""
LARGEST_LETTER: Final = LARGEST_RECORD + 40_000
"""A dead letter may have grown by its own headers, and is still within Kafka's limit."""

_LINGER_MS: Final = 5
"""Records of concurrent publishes go out together; costs one publish alone 5 ms."""
_BATCH_BYTES: Final = 256 * 1024
_STOP_SECONDS: Final = 3.0
_POSITIVE: Final = 0x7FFFFFFF

_log = get_logger("kafka.publisher")


class PublishFailed(Exception):
    """Kafka has not acknowledged everything in time. Any part of it may have been written: publish it all again."""


class _GivenUp(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """The producer failed another publish and was thrown away; that says nothing of this one."""


class RecordTooLarge(Exception):
    """Kafka would never take one of these records; nothing was written. Publishing again cannot help."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as bytes; `partition` counts modulo the topic's number of partitions."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int

    @property
    def size(self) -> int:
        """Bytes, without Kafka's few of its own."""
        parts = (self.key, self.value, *(part for name, said in self.headers for part in (name, said)))
        return sum(len(part) for part in parts if part)


def key_hash(partition_key: str) -> int:
    """Kafka's own hash of a key (murmur2, positive): any client finds the same partition for the same key."""
    return int(murmur2(partition_key.encode()) & _POSITIVE)


class Publisher:
    """Writes records that stay: acknowledged by all in-sync replicas, in the order given for each partition key.

    After a failure the producer underneath is thrown away, because an idempotent producer cannot tell any more what
    Kafka has of it; publishes that were under way at that moment begin anew on the next one, within their own time.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._arguments = client_arguments(settings, client_id)
        self._timeout = settings.publish_timeout.total_seconds()
        self._producer: asyncio.Future[AIOKafkaProducer] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._was_reached = False

    async def start(self) -> None:
        """Begin to connect, and keep trying for as long as Kafka is away. Returns at once."""
        self._connect()

    async def stop(self) -> None:
        """Flush and close, within nine seconds whatever Kafka does."""
        connecting, producer = self._connecting, self._producer
        self._connecting = self._producer = None
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
        if producer is not None and producer.done() and not producer.cancelled():
            await _close(producer.result())
        if self._retiring:
            await asyncio.wait(self._retiring)

    def unready(self) -> str | None:
        """A readiness check: None once Kafka has been reached. Its later absence delays publishing, nothing else."""
        return None if self._was_reached else "has not reached Kafka yet"

    async def publish(self, records: Sequence[WireRecord]) -> None:
        """Return when Kafka has acknowledged every record.

        Raises PublishFailed after the set time-out at the latest, and RecordTooLarge before anything is written.
        """
        with publishing(records) as traced:
            await self.publish_raw(
                [RawRecord(r.topic, r.key.encode(), r.value, r.headers, key_hash(r.partition_key)) for r in traced],
                LARGEST_RECORD + (TRACE_BYTES if tracing.on() else 0),
            )

    async def publish_raw(self, records: Sequence[RawRecord], largest: int = LARGEST_RECORD) -> None:
        """The same for records that are bytes already, each of `largest` bytes at most."""
        if not records:
            return
        if any(record.size > largest for record in records):
            raise RecordTooLarge(f"a record of more than {largest} bytes")
        pending = self._another_than(None)
        try:
            with metrics.PUBLISH_SECONDS.time():
                async with asyncio.timeout(self._timeout):
                    while not await _is_sent(await asyncio.shield(pending), records):
                        pending = self._another_than(pending)
        except (KafkaError, TimeoutError) as error:
            metrics.PUBLISH_FAILED.inc()
            _log.warning("publish_failed", records=len(records), why=type(error).__name__)
            self._replace(pending)
            raise PublishFailed(f"{len(records)} records: {type(error).__name__}") from error
        for record in records:
            metrics.PUBLISHED.labels(record.topic).inc()

    def _another_than(self, failed: asyncio.Future[AIOKafkaProducer] | None) -> asyncio.Future[AIOKafkaProducer]:
        if self._producer is None or self._producer is failed:
            raise PublishFailed("the publisher does not run")
        return self._producer

    def _connect(self) -> None:
        self._producer = asyncio.get_running_loop().create_future()
        self._connecting = asyncio.create_task(self._reach(self._producer))

    def _replace(self, failed: asyncio.Future[AIOKafkaProducer]) -> None:
        """Retire the failed producer once, whoever of several publishes sees the failure first."""
        if self._producer is not failed or not failed.done():
            return
        self._connect()
        retiring = asyncio.create_task(_abort(failed.result()))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _reach(self, reached: asyncio.Future[AIOKafkaProducer]) -> None:
        attempt = 0
        while not reached.done():
            producer = AIOKafkaProducer(
                **self._arguments,
                acks="all",
                enable_idempotence=True,
                linger_ms=_LINGER_MS,
                max_batch_size=_BATCH_BYTES,
                max_request_size=2 * LARGEST_RECORD,
            )
            try:
                async with asyncio.timeout(self._timeout):
                    await producer.start()
            except asyncio.CancelledError:
                await _abort(producer)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would connect
                attempt += 1
                await _abort(producer)
                _log.warning("kafka_unreachable", attempt=attempt, exc_info=error)
                await asyncio.sleep(backoff(attempt))
            else:
                reached.set_result(producer)
                self._was_reached = True
                _log.info("kafka_reached", attempts=attempt + 1)


async def _is_sent(producer: AIOKafkaProducer, records: Sequence[RawRecord]) -> bool:
    """Whether Kafka has them; not where another publish's failure took the producer away."""
    try:
        await _send(producer, records)
    except (_GivenUp, ProducerClosed):
        return False
    return True


async def _send(producer: AIOKafkaProducer, records: Sequence[RawRecord]) -> None:
    acknowledged: list[asyncio.Future[object]] = []
    try:
        for record in records:
            partitions = await producer.partitions_for(record.topic)
            future = await producer.send(
                record.topic,
                value=record.value,
                # aiokafka refuses a record without key and value; an empty key is as good as none.
                key=b"" if record.key is None and record.value is None else record.key,
                partition=record.partition % len(partitions),
                headers=list(record.headers),
            )
            acknowledged.append(future)
        await asyncio.gather(*acknowledged)
    finally:
        for future in acknowledged:
            future.add_done_callback(_seen)


def _seen(future: asyncio.Future[object]) -> None:
    """Take note of an error that nobody waits for any more."""
    if not future.cancelled():
        future.exception()


async def _close(producer: AIOKafkaProducer) -> None:
    """Flush and close; past the bound, let go of what Kafka does not take."""
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
            return
    await _abort(producer)


async def _abort(producer: AIOKafkaProducer) -> None:
    """Close without flushing. aiokafka has no call for it: its `stop` waits for Kafka for ever."""
    producer._closed = True  # noqa: SLF001 - see above, and below
    producer._message_accumulator.fail_all(_GivenUp("the producer was given up"))  # noqa: SLF001
    sender = producer._sender.sender_task  # noqa: SLF001
    if sender is not None:
        sender.cancel()
    # With its connections gone, the sender cannot wait for answers any more.
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS / 2):
                await producer.client.close()
        if sender is not None:
            await asyncio.wait([sender], timeout=_STOP_SECONDS / 2)
