"""Kafka as this command uses it: read what lies there, write a record."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors

from calsync.ends import Unreachable
from contracts.topics import PARTITIONS
from runtime.kafka import Publisher
from runtime.kafka.connection import client_arguments
from runtime.logs import configure
from runtime.settings import KafkaSettings

CLIENT: Final = "calsync"
_FETCH_MS: Final = 300
_KAFKA_WAITS_MS: Final = 20
"""For what is not there yet. It answers one question after the other: behind its usual 500 ms all others would wait."""
_NO_PATIENCE: Final = 20
"""Fetches in a row that bring nothing although something must be there."""
_NOT_ALLOWED: Final = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.TransactionalIdAuthorizationFailed,
)
_UNKNOWN_TO_IT: Final = (
    kafka_errors.AuthenticationFailedError,
    kafka_errors.AuthenticationMethodNotSupported,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.UnsupportedSaslMechanismError,
)


def quiet() -> None:
    """Keep the libraries' and our own logs off the terminal: what matters comes as an error."""
    configure("ERROR", "console")
    logging.getLogger().handlers[:] = [_Refusals()]


class _Refusals(logging.NullHandler):
    """Says nothing. Remembers why Kafka does not let us in, which aiokafka logs and then calls unreachable."""

    last: BaseException | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        told = record.args if isinstance(record.args, tuple) else ()
        self.last = next((one for one in told if isinstance(one, _UNKNOWN_TO_IT)), self.last)
        return False


def refusal(error: BaseException) -> str | None:
    """Why Kafka does not let us, in words, where that is what the error comes from."""
    heard = (one.last for one in logging.getLogger().handlers if isinstance(one, _Refusals))
    for one in filter(None, (error, error.__cause__, *heard)):
        if isinstance(one, _NOT_ALLOWED):
            why = "The user of CALSYNC_KAFKA_SASL_USERNAME lacks the rights for this."
            return f"Kafka does not let us ({type(one).__name__}). {why}"
        if isinstance(one, _UNKNOWN_TO_IT):
            why = "Are CALSYNC_KAFKA_SASL_USERNAME and its password right?"
            return f"Kafka does not let us in ({type(one).__name__}). {why}"
    return None


@asynccontextmanager
async def publisher(settings: KafkaSettings) -> AsyncIterator[Publisher]:
    """Writes until acknowledged."""
    quiet()
    found = Publisher(settings, CLIENT)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


@asynccontextmanager
async def consumer(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Reads without a group: nobody's offsets move."""
    quiet()
    found = AIOKafkaConsumer(
        **client_arguments(settings, CLIENT), enable_auto_commit=False, fetch_max_wait_ms=_KAFKA_WAITS_MS
    )
    try:
        await found.start()
        yield found
    finally:
        # aiokafka cancels a task of its own here and lets the cancellation out.
        with contextlib.suppress(asyncio.CancelledError):
            await found.stop()


async def places(found: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    """The partitions of those of these topics that exist."""
    known = await found.topics()
    return [TopicPartition(topic, number) for topic in topics if topic in known for number in range(PARTITIONS)]


async def read(found: AIOKafkaConsumer, starts: Mapping[TopicPartition, int | None]) -> AsyncIterator[Any]:
    """Every record from these offsets (None: the first that there is) to the ends as they are now."""
    ends = await found.end_offsets(list(starts))
    begin = await found.beginning_offsets(list(starts))
    froms = {place: begin[place] if start is None else max(start, begin[place]) for place, start in starts.items()}
    open_ = [place for place, start in froms.items() if start < ends[place]]
    if not open_:
        return
    found.assign(open_)
    for place in open_:
        found.seek(place, froms[place])
    misses = 0
    while open_:
        batches = await found.getmany(*open_, timeout_ms=_FETCH_MS)
        misses = 0 if batches else misses + 1
        for place, records in batches.items():
            for record in records:
                if record.offset < ends[place]:
                    yield record
        open_ = [place for place in open_ if await found.position(place) < ends[place]]
        if misses > _NO_PATIENCE:
            raise Unreachable("Kafka has more than it gives. Look at its log, and try again.")
    found.unsubscribe()
