"""How the records of one topic in one batch come to their fates."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from runtime import metrics
from runtime.kafka.consumer import Group, Record
from runtime.kafka.deadletters import DeadLetters, reason
from runtime.kafka.delivery import Delivery, Subscription, TryLater
from runtime.kafka.publisher import PublishFailed
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

Read = tuple[Record, Delivery]

_log = get_logger("kafka.fates")


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is refused for good, and the error that says why."""

    record: Record
    error: Exception


@dataclass(slots=True)
class _Postponed:
    """From where on a partition is to come again, why, and the least seconds to wait."""

    offset: int
    why: str
    least: float


class Settlement:
    """Calls the handler with all deliveries at once, and looks closer only where that fails.

    A partition that failed before is tried apart from the others, so that it cannot hold them up. Whatever is not done
    or buried at the end is held at its offset before the batch is committed.
    """

    def __init__(
        self,
        group: Group,
        subscription: Subscription,
        call: Callable[[Sequence[Delivery]], Awaitable[None]],
        dead_letters: DeadLetters,
    ) -> None:
        self._group = group
        self._subscription = subscription
        self._call = call
        self._dead_letters = dead_letters
        self._breaker = group.breakers[subscription.topic]
        self._postponed: dict[TopicPartition, _Postponed] = {}

    async def __call__(self, readable: Sequence[Read], refused: Sequence[Refused]) -> None:
        """Return when every record is done, buried, or held for later."""
        for trial in self._trials(readable):
            await self._settle(trial)
        for each in refused:
            await self._bury(each)
        records = [record for record, _ in readable] + [each.record for each in refused]
        for at in {_place(record) for record in records} - self._postponed.keys():
            self._group.release(at)
        for at, postponed in self._postponed.items():
            self._hold(at, postponed)

    def _trials(self, readable: Sequence[Read]) -> Iterable[list[Read]]:
        apart: dict[TopicPartition | None, list[Read]] = {}
        for read in readable:
            at = _place(read[0])
            apart.setdefault(at if at in self._group.holds else None, []).append(read)
        size = self._subscription.batch_max
        for trial in apart.values():
            yield from (trial[start : start + size] for start in range(0, len(trial), size))

    async def _settle(self, trial: Sequence[Read]) -> None:
        """Try to do `trial` as a whole; where a record is refused, find the guilty one by doing one at a time."""
        waiting = [read for read in trial if not self._must_wait(read[0])]
        error = await self._attempt(waiting)
        if error is None:
            return
        if len(waiting) == 1 or self._is_later(error):
            await self._decide(waiting, error)
            return
        for read in waiting:
            if not self._must_wait(read[0]) and (alone := await self._attempt([read])) is not None:
                await self._decide([read], alone)

    async def _attempt(self, reads: Sequence[Read]) -> Exception | None:
        if not reads:
            return None
        try:
            await self._call([delivery for _, delivery in reads])
        except Exception as error:  # noqa: BLE001 - here the fate is chosen
            return error
        self._breaker.done(len(reads))
        labels = (self._group.name, self._subscription.topic)
        metrics.CONSUMED.labels(*labels).inc(len(reads))
        took = metrics.DELIVERY_SECONDS.labels(*labels)
        for record, _ in reads:
            took.observe(self._group.age(record.timestamp))
        return None

    async def _decide(self, reads: Sequence[Read], error: Exception) -> None:
        if not self._is_later(error):
            await self._bury(Refused(reads[0][0], error))
            return
        least = error.after.total_seconds() if isinstance(error, TryLater) and error.after else 0.0
        for record, _ in reads:
            self._postpone(record, type(error).__name__, least)

    async def _bury(self, refused: Refused) -> None:
        record = refused.record
        if self._must_wait(record):
            return
        try:
            await self._dead_letters.bury(record, self._group.name, refused.error)
        except PublishFailed as error:
            self._postpone(record, type(error).__name__)
            return
        self._breaker.dead()
        metrics.DEAD.labels(self._group.name, record.topic).inc()
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        _log.error("dead_letter", **where, group=self._group.name, why=reason(refused.error), exc_info=refused.error)
        if self._breaker.open:
            metrics.STOPPED.labels(self._group.name, record.topic).set(1)
            _log.critical("consumption_stopped", **where, group=self._group.name)

    def _must_wait(self, record: Record) -> bool:
        """Whether this record comes again anyway; an open breaker lets nothing more through."""
        if self._breaker.open:
            self._postpone(record, "breaker")
        postponed = self._postponed.get(_place(record))
        return postponed is not None and postponed.offset <= record.offset

    def _postpone(self, record: Record, why: str, least: float = 0.0) -> None:
        at = _place(record)
        known = self._postponed.get(at)
        if known is None or record.offset < known.offset:
            self._postponed[at] = _Postponed(record.offset, why, least)

    def _hold(self, at: TopicPartition, postponed: _Postponed) -> None:
        hold = self._group.hold(at, postponed.offset, postponed.least)
        metrics.LATER.labels(self._group.name, at.topic).inc()
        _log.warning(
            "again_later",
            group=self._group.name,
            topic=at.topic,
            partition=at.partition,
            offset=postponed.offset,
            attempt=hold.attempt,
            why=postponed.why,
        )

    def _is_later(self, error: BaseException) -> bool:
        if isinstance(error, BaseExceptionGroup):
            return any(self._is_later(inner) for inner in error.exceptions)
        kinds = (TryLater, PublishFailed, TimeoutError, ConnectionError, *self._subscription.later)
        return isinstance(error, kinds) or is_infrastructure(error)


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
