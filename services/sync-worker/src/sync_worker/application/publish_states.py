"""From the outbox to Kafka."""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from contracts.events import Event, ICloudEventImported, ICloudEventRemoved, RemovalReason, SyncCompleted
from contracts.facts import OccurrenceFacts, OccurrenceGroup
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim, LastSaid
from sync_worker.domain.outbox import Content, Gone, Imported, State, as_busy
from sync_worker.domain.values import Facts

_log = get_logger("sync_worker.publish_states")

BATCH: Final = 200
"""States that are in memory at once on their way to Kafka."""
_ROUNDS: Final = 5
"""Losing to somebody newer this often in a row means that leases do not work: give up and let the pass repeat."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The tombstone that follows a key's last event."""

    last: Event


Said = Event | SyncCompleted | Ended


class Events(Protocol):
    """Kafka's topics."""

    async def publish(self, said: Sequence[Said]) -> None:
        """Return when all of it is acknowledged, in this order for each connection. Raises when it may not be."""


class Outbox(Protocol):
    """States that wait for Kafka."""

    async def pending(self, claim: Claim, limit: int) -> Sequence[State]:
        """States that may not be on Kafka; those that are gone come last."""

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, State]:
        """Full states; an id that is not kept is left out."""

    async def mark(self, claim: Claim, published: Mapping[str, int]) -> Collection[str]:
        """Kafka has these revisions, by event id. Returns the ids of which another revision is kept, or none.

        Not fenced: what was published is a fact, whoever did it.
        """


class PublishStates:
    """Brings states to Kafka and marks them.

    A publisher that was frozen may put an older record behind a newer one, and a compacted topic would keep the older.
    Its mark then misses, and it says the newest state once more.
    """

    def __init__(self, outbox: Outbox, events: Events) -> None:
        self._outbox = outbox
        self._events = events
        self._under_way: set[asyncio.Future[None]] = set()

    async def __call__(self, claim: Claim, states: Sequence[State]) -> None:
        """Publish and mark, in the given order. Raises LeaseLost before anything is published.

        Once begun it goes on to the end, lease or no lease, cancelled or not: a record that was handed over may arrive
        late, behind somebody's newer one, and only the mark finds that out.
        """
        claim.lease.check()
        work = asyncio.ensure_future(self._to_the_end(claim, states))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise

    async def _to_the_end(self, claim: Claim, states: Sequence[State]) -> None:
        for _ in range(_ROUNDS):
            await self._say(claim, states)
            overtaken = await self._outbox.mark(claim, {state.event_id: state.revision for state in states})
            if not overtaken:
                return
            newest = await self._outbox.newest(claim, overtaken)
            erased = [_erased(one) for one in states if one.event_id in overtaken and one.event_id not in newest]
            await self._say(claim, erased)
            states = list(newest.values())
            if not states:
                return
        raise RuntimeError("the newest states change faster than they can be published")

    async def _say(self, claim: Claim, states: Sequence[State]) -> None:
        await self._events.publish([said for state in states for said in _said(claim, state)])
        if states:
            claim.trail.last = last_said(states)
            _measure(claim, len(states))

    async def leftover(self, claim: Claim) -> None:
        """Publish what an earlier pass left behind; additions before removals."""
        while states := await self._outbox.pending(claim, BATCH):
            await self(claim, states)


def _measure(claim: Claim, events: int) -> None:
    if claim.trail.began is not None:
        seconds = asyncio.get_running_loop().time() - claim.trail.began
        took = metrics.LOOK_TO_KAFKA.labels(metrics.kind_of(claim))
        for _ in range(events):
            took.observe(seconds)


def last_said(states: Sequence[State]) -> LastSaid:
    """What a reader has last of these, which are said in this order."""
    return LastSaid(states[-1].event_id, states[-1].epoch, states[-1].revision)


def imported(claim: Claim, state: Imported) -> ICloudEventImported:
    """The event of a state."""
    content = state.content
    return ICloudEventImported(
        account_id=claim.account_id,
        user_id=claim.user_id,
        connection_id=claim.connection_id,
        epoch=state.epoch,
        revision=state.revision,
        event_id=state.event_id,
        calendar_id=state.calendar_id,
        uid_hash=content.uid_hash,
        as_of=state.as_of,
        horizon=(state.horizon.start, state.horizon.end),
        all_day=content.all_day,
        occurrences=tuple(OccurrenceGroup(facts=_facts(group.facts), spans=group.spans) for group in content.groups),
        title=content.title,
    )


def digest(claim: Claim, event_id: str, calendar_id: str, content: Content) -> str:
    """Equal for events that say the same, whenever and however they were looked at."""
    whose = (claim.account_id, claim.user_id, claim.connection_id, event_id, calendar_id)
    groups = [(_said_facts(group.facts), group.spans) for group in content.groups]
    body = json.dumps((whose, content.uid_hash, content.title, content.all_day, groups))
    return sha256(body.encode()).hexdigest()[:32]


def removed(claim: Claim, state: Gone) -> tuple[ICloudEventRemoved, Ended]:
    """The event of a removal and the tombstone after it."""
    event = ICloudEventRemoved(
        account_id=claim.account_id,
        user_id=claim.user_id,
        connection_id=claim.connection_id,
        event_id=state.event_id,
        calendar_id=state.calendar_id,
        epoch=state.epoch,
        revision=state.revision,
        as_of=state.as_of,
        reason=RemovalReason(state.reason),
    )
    return event, Ended(event)


def _said(claim: Claim, state: State) -> Iterable[Said]:
    if isinstance(state, Gone):
        return removed(claim, state)
    try:
        return (imported(claim, state),)
    except ValueError:
        # A mistake of ours. One object must not keep all others of its user waiting, and its time is not free.
        # What was raised may quote its title.
        _log.error("event_unsayable", calendar_id=state.calendar_id, event_id=state.event_id)
        metrics.QUARANTINED.labels("unsayable").inc()
        return (imported(claim, replace(state, content=as_busy(state.content))),)


def _erased(state: State) -> Gone:
    """What to say after a state of a connection that was erased meanwhile."""
    return Gone(
        event_id=state.event_id,
        calendar_id=state.calendar_id,
        epoch=state.epoch,
        revision=state.revision + 1,
        as_of=state.as_of,
        reason=RemovalReason.DISCONNECTED,
    )


@lru_cache(maxsize=1024)
def _facts(facts: Facts) -> OccurrenceFacts:
    """The same few facts come again and again."""
    return OccurrenceFacts(**asdict(facts))


@lru_cache(maxsize=1024)
def _said_facts(facts: Facts) -> tuple[tuple[str, bool | int], ...]:
    return tuple(asdict(facts).items())
