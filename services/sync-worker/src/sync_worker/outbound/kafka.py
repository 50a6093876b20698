"""What the worker says on Kafka."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from contracts.events import CompletedSync, SyncCompleted
from contracts.topics import SYNC
from contracts.wire import WireRecord, encode, tombstone
from runtime.clock import Clock
from runtime.kafka import Publisher, PublishFailed, RecordTooLarge
from runtime.kafka.publisher import key_hash
from runtime.logs import get_logger
from sync_worker.application.publish_states import Ended, Events, Said

SOURCE: Final = "sync-worker"
_FLUSH_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
_MOST_IN_ONE: Final = 500
"""Connections in one message: some 150 kB."""
_MOST_AGES_IN_ONE: Final = 5_000
"""Calendars with an age of their own in it: some 350 kB more."""

_log = get_logger("sync_worker.kafka")


class KafkaEvents:
    """Implements `Events`."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def publish(self, said: Sequence[Said]) -> None:
        """Return when all of it is acknowledged. Raises PublishFailed."""
        await self._publisher.publish([self._record(one) for one in said])

    def _record(self, one: Said) -> WireRecord:
        if isinstance(one, Ended):
            return tombstone(one.last, source=SOURCE, time=self._clock())
        return encode(one, source=SOURCE, time=self._clock())


class KafkaCompletions:
    """Implements `Completions`: collects for a second, then says one message per partition.

    While Kafka is away only the newest of each connection is kept.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._waiting: dict[str, CompletedSync] = {}
        self._flushing = asyncio.Lock()

    def add(self, completed: CompletedSync) -> None:
        """Say it within about a second."""
        kept = self._waiting.get(completed.connection_id)
        self._waiting[completed.connection_id] = _together(kept, completed) if kept else completed

    async def run(self) -> None:
        """Say what has come together, every second, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.flush()

    async def stop(self) -> None:
        """Say what is left, for two seconds at most; what stays unsaid is said by the next passes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self.flush()

    async def flush(self) -> None:
        """Say everything now; what Kafka does not take is kept for the next time."""
        async with self._flushing:
            taken, self._waiting = self._waiting, {}
            if not taken:
                return
            try:
                await self._say(list(_by_partition(taken.values())))
                taken = {}
            except PublishFailed:
                _log.warning("completions_kept", connections=len(taken))
            finally:
                # Also when it is broken off: the last flush of the process says them then.
                for completed in taken.values():
                    self.add(completed)

    async def _say(self, messages: Sequence[SyncCompleted]) -> None:
        """One that Kafka would never take is left out: readers then take its connections for older than they are."""
        try:
            await self._events.publish(messages)
        except RecordTooLarge:
            for message in messages:
                try:
                    await self._events.publish([message])
                except RecordTooLarge:
                    _log.error("completion_too_large", connections=len(message.connections))


def _together(one: CompletedSync, other: CompletedSync) -> CompletedSync:
    """The newer of two passes; where it said nothing itself, its readers are to wait for what the older one said."""
    older, newer = sorted((one, other), key=lambda each: (each.epoch, each.revision))
    if newer.last_event is None and older.last_event is not None:
        last = older.last_event
        return newer.model_copy(update={"last_event": last.model_copy(update={"epoch": last.epoch or older.epoch})})
    return newer


def _by_partition(completed: Iterable[CompletedSync]) -> Iterator[SyncCompleted]:
    partitions: dict[int, list[CompletedSync]] = {}
    for one in completed:
        partitions.setdefault(key_hash(one.connection_id) % SYNC.partitions, []).append(one)
    for together in partitions.values():
        yield from _in_messages(together)


def _in_messages(together: Iterable[CompletedSync]) -> Iterator[SyncCompleted]:
    message: list[CompletedSync] = []
    ages = 0
    for one in together:
        ages += len(one.calendars)
        if message and (len(message) >= _MOST_IN_ONE or ages > _MOST_AGES_IN_ONE):
            yield SyncCompleted(connections=tuple(message))
            message, ages = [], len(one.calendars)
        message.append(one)
    if message:
        yield SyncCompleted(connections=tuple(message))
