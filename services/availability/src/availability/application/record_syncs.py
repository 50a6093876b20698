"""How far each connection's calendars have been read."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from availability.application.timeline import Timeline
from availability.domain.changes import Completed, ConnectionNews, LastEvent, Rejected, Version
from availability.domain.doubts import Doubt, Held, Quarantined, UnreadableEvent, newest_doubts
from contracts.events import (
    CompletedSync,
    CredentialsRejected,
    EventsQuarantined,
    HoldState,
    RemovalsHeld,
    SyncCompleted,
)
from runtime.clock import Clock

DoubtNews = RemovalsHeld | EventsQuarantined
SyncNews = SyncCompleted | CredentialsRejected | DoubtNews
HELD_BACK: Final = timedelta(seconds=60)
"""Past it, it is asked whether an event that is not there can still come: it may lie in the dead letters."""


class SaidAt(NamedTuple):
    """News, when they were written to Kafka, and where; a partition has the same number on every topic."""

    event: SyncNews
    at: datetime
    partition: int
    offset: int


class Reach(NamedTuple):
    """How far a partition of the events is applied, by whoever of us has it, and where it ends now. Offsets."""

    applied: int
    end: int


ReachOf = Callable[[int], Awaitable[Reach]]
"""Of the events' partition of that number."""


class EventsMissing(Exception):
    """A pass was told whose events have not all come yet; tell it again a little later."""


class RecordSyncs:
    """Keeps up to when each connection was read, whether Apple still lets us in, and what of it is in doubt.

    News of a connection that is not known yet are kept for it. Events come over another topic: what a pass read is
    believed once its last event is applied, for they come in order; or once all is that was there when it was missed,
    for then it lies in the dead letters, or was compacted away. However late we are: until then its time may be open.
    A pass that had no event to tell says nothing of those before it, which a timeline that begins has yet to read: the
    first of a connection is believed once all is applied that was there when it came.
    """

    def __init__(self, timeline: Timeline, clock: Clock, reach_of: ReachOf) -> None:
        self._timeline = timeline
        self._clock = clock
        self._reach_of = reach_of
        self._ends: dict[tuple[int, int], int] = {}
        """Where the events ended when it was first asked for the sake of these news."""

    async def __call__(self, news: Sequence[SaidAt]) -> None:
        """Raises EventsMissing when some could not be kept yet; all others are."""
        missing = frozenset(await self._timeline.missing([one for said in news for one in _last_events(said.event)]))
        begun = frozenset(await self._timeline.unread({one for said in news for one in _silent(said.event)}))
        reaches: dict[int, Reach] = {}
        waiting: set[str] = set()
        pieces: list[ConnectionNews] = []
        for said in news:
            lacking = {one.connection_id for one in _last_events(said.event) if one in missing}
            those_that_begin = begun.intersection(_silent(said.event))
            is_late = said.at <= self._clock() - HELD_BACK
            unsure = lacking | those_that_begin
            if (those_that_begin or (lacking and is_late)) and await self._all_applied(said, reaches):
                unsure = set() if is_late else lacking
            waiting |= unsure
            if not unsure:
                self._ends.pop((said.partition, said.offset), None)
            pieces += _pieces(said.event, waiting)
        await self._timeline.put_news(pieces)
        await self._put_doubts([_doubt(said.event) for said in news if isinstance(said.event, DoubtNews)])
        if waiting:
            raise EventsMissing

    async def _all_applied(self, said: SaidAt, reaches: dict[int, Reach]) -> bool:
        """Whether all events are applied that were there when this was first asked.

        What was asked for one of these news holds for all of its partition: all were there by then.
        """
        if said.partition not in reaches:
            reaches[said.partition] = await self._reach_of(said.partition)
        reach = reaches[said.partition]
        return reach.applied >= self._ends.setdefault((said.partition, said.offset), reach.end)

    async def _put_doubts(self, doubts: Sequence[Doubt]) -> None:
        """As events: whichever of a doubt and the end of its connection comes last erases what the other has left."""
        await self._timeline.put_doubts(newest_doubts(doubts))
        ended = await self._timeline.ended(frozenset(doubt.connection_id for doubt in doubts))
        if ended:
            await self._timeline.erase_events(ended)


def _last_events(event: SyncNews) -> Iterator[LastEvent]:
    if isinstance(event, SyncCompleted):
        for sync in event.connections:
            if sync.last_event is not None:
                last = sync.last_event
                yield LastEvent(sync.connection_id, last.event_id, last.epoch or sync.epoch, last.revision)


def _silent(event: SyncNews) -> Iterator[str]:
    """Connections of which a pass had no event to tell."""
    if isinstance(event, SyncCompleted):
        yield from (sync.connection_id for sync in event.connections if sync.last_event is None)


def _pieces(event: SyncNews, missing: Collection[str]) -> Iterator[ConnectionNews]:
    """The news, without those of connections whose events are missing."""
    if isinstance(event, SyncCompleted):
        yield from (_completed(sync) for sync in event.connections if sync.connection_id not in missing)
    elif isinstance(event, CredentialsRejected):
        as_of = None if event.as_of is None or event.connection_id in missing else _moment(event.as_of)
        yield Rejected(event.connection_id, Version(event.epoch, event.revision), as_of)


def _completed(sync: CompletedSync) -> Completed:
    """A calendar that was never read comes with the age 0."""
    return Completed(
        connection_id=sync.connection_id,
        version=Version(sync.epoch, sync.revision),
        as_of=_moment(sync.as_of),
        behind=tuple((age.id, _moment(age.as_of) if age.as_of else None) for age in sync.calendars),
        setup_revision=sync.setup_revision,
        known=sync.known,
    )


def _doubt(news: DoubtNews) -> Doubt:
    version = Version(news.epoch, news.revision)
    if isinstance(news, RemovalsHeld):
        since = _moment(news.since) if news.state is HoldState.HELD else None
        return Held(news.connection_id, news.calendar_id, version, since, news.known, news.missing, news.doubt)
    events = tuple(UnreadableEvent(one.event_id, one.reason, one.span) for one in news.objects)
    return Quarantined(news.connection_id, news.calendar_id, version, events)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
