"""A consumer that knows when it last polled, and which partitions wait for a second try."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from runtime.clock import Clock, system_clock
from runtime.kafka.breaker import Breaker
from runtime.kafka.connection import REQUEST_TIMEOUT_MS, backoff
from runtime.kafka.delivery import Subscription
from runtime.logs import get_logger

_POLL_SECONDS: Final = 1.0
"""The longest single wait for records; poll ages are therefore never older than this in a healthy consumer."""

_log = get_logger("kafka.consumers")


class Record(Protocol):
    """What we read of aiokafka's ConsumerRecord, which carries no types."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Hold:
    """A partition that is tried again at `due` (monotonic time) after `attempt` failures in a row."""

    attempt: int
    due: float


@dataclass(slots=True)
class Group:
    """What the consumer of one group and the fates of its records know of each other."""

    name: str
    subscriptions: Mapping[str, Subscription]
    holds: dict[TopicPartition, Hold] = field(default_factory=dict)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    consumer: AIOKafkaConsumer | None = None
    polled_at: float | None = None
    heard_at: float = field(default_factory=time.monotonic)
    """When Kafka last gave what it was asked for (monotonic time); before the first time, when this began."""
    heard: int | None = None
    """The newest of Kafka's answers, as the consumer tells it."""
    clock: Clock = system_clock
    oldest: dict[TopicPartition, int] = field(default_factory=dict)
    """By partition the timestamp, in milliseconds, of the first record that is in hand or held back."""

    def __post_init__(self) -> None:
        self.breakers.update({topic: Breaker() for topic in self.subscriptions})

    def hold(self, at: TopicPartition, offset: int, least: float) -> Hold:
        """Go back to `offset` and leave the partition alone for the back-off, at least for `least` seconds."""
        known = self.holds.get(at)
        attempt = known.attempt + 1 if known else 1
        hold = Hold(attempt, time.monotonic() + max(backoff(attempt), least))
        consumer = self.consumer
        if consumer is None:
            return hold
        try:
            consumer.seek(at, offset)
            consumer.pause(at)
        except IllegalStateError:  # a rebalance took it away; its next owner begins at the committed offset
            self.holds.pop(at, None)
        else:
            self.holds[at] = hold
        return hold

    def release(self, at: TopicPartition) -> None:
        """Forget the failures of a partition whose records were done."""
        self.holds.pop(at, None)

    def in_hand(self, records: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Take note of what a poll brought. All that was in hand before is done by then, but for what is held."""
        self.oldest = {at: since for at, since in self.oldest.items() if at in self.holds}
        self.oldest |= {at: some[0].timestamp for at, some in records.items() if some}

    def age(self, timestamp_ms: int) -> float:
        """Seconds since a record's timestamp; 0 where its writer's clock is ahead of ours."""
        return max(0.0, self.clock().timestamp() - timestamp_ms / 1000)

    def lag(self, topic: str) -> float:
        """Age in seconds of the topic's oldest record that is not done; 0 when none is known."""
        return max((self.age(since) for at, since in self.oldest.items() if at.topic == topic), default=0.0)

    @property
    def stopped(self) -> str | None:
        """Which topics are read no more, in words; None while no breaker is open."""
        topics = sorted(topic for topic, breaker in self.breakers.items() if breaker.open)
        return f"{self.name} stopped at too many dead letters: {', '.join(topics)}" if topics else None

    @property
    def poll_age(self) -> float | None:
        """Seconds since the loop last came by to poll, whether or not Kafka answers; None before the first time."""
        return None if self.polled_at is None else time.monotonic() - self.polled_at

    @property
    def silence(self) -> float:
        """Seconds since Kafka last answered, or since the loop last came by where that is longer ago."""
        since = self.heard_at if self.polled_at is None else min(self.heard_at, self.polled_at)
        return time.monotonic() - since

    def hear(self, newest: int | None, *, spoke: bool) -> None:
        """Take note of a poll: of the newest of Kafka's answers, and whether it is known to have spoken anyhow."""
        if spoke or newest != self.heard:
            self.heard_at = time.monotonic()
        self.heard = newest


class PolledConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka carries no types
    """aiokafka's consumer; each poll first lets held partitions go whose time has come, and holds the others."""

    def __init__(self, *, group: Group, **arguments: Any) -> None:  # noqa: ANN401 - handed through to aiokafka
        super().__init__(**arguments)
        self._group = group
        group.consumer = self

    async def getmany(
        self, *_partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """Records as soon as there are any, else nothing after a second or when a held partition is due."""
        del timeout_ms  # FastStream's wait would be followed by a sleep of the same length: ours is the better one
        self._group.in_hand({})
        wait = self._turn_holds()
        records: dict[TopicPartition, list[Record]] = await super().getmany(
            timeout_ms=round(wait * 1000), max_records=max_records
        )
        self._group.polled_at = time.monotonic()
        self._listen(got=bool(records))
        self._group.in_hand(records)
        return records

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Tell Kafka how far we are, or give up in time: aiokafka asks until Kafka is back, and nobody polls meanwhile.

        The next commit tells it as well. Whoever takes over before gets records again, and doing them again is nothing.
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                await super().commit(offsets)
        except TimeoutError:
            _log.warning("commit_overdue", group=self._group.name)

    def _listen(self, *, got: bool) -> None:
        """A poll of aiokafka's brings nothing, and no error, when Kafka is away: its fetches are what tells."""
        assigned = self.assignment()
        answers = (self.last_poll_timestamp(at) for at in assigned)
        newest = max((answer for answer in answers if answer is not None), default=None)
        # Where no partition is ours, or all of them are paused, nothing is asked.
        self._group.hear(newest, spoke=got or assigned <= self.paused())

    def _turn_holds(self) -> float:
        """Pause and resume what has to be, also after a rebalance (which forgets pauses); returns how long to wait."""
        now, wait, group = time.monotonic(), _POLL_SECONDS, self._group
        assigned, paused = self.assignment(), self.paused()
        for gone in group.holds.keys() - assigned:
            del group.holds[gone]
        for at in assigned:
            hold = group.holds.get(at)
            held = hold is not None and hold.due > now
            if hold is not None and held:
                wait = min(wait, hold.due - now)
            keep = held or group.breakers[at.topic].open
            if keep and at not in paused:
                self.pause(at)
            elif not keep and at in paused:
                self.resume(at)
        return wait
