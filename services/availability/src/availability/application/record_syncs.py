"""How far each connection's calendars have been read."""

from collections.abc import Iterator, Sequence
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
"""An event that is not there a minute after its pass was told lies in the dead letters, or was compacted away."""


class SaidAt(NamedTuple):
    """News, and when they were written to Kafka."""

    event: SyncNews
    at: datetime


class EventsMissing(Exception):
    """A pass was told whose events have not all come yet; tell it again a little later."""


class RecordSyncs:
    """Keeps up to when each connection was read, whether Apple still lets us in, and what of it is in doubt.

    News of a connection that is not known yet are kept for it. Events come over another topic: what a pass read is
    believed once its last event is applied, for they come in order.
    """

    def __init__(self, timeline: Timeline, clock: Clock) -> None:
        self._timeline = timeline
        self._clock = clock

    async def __call__(self, news: Sequence[SaidAt]) -> None:
        """Raises EventsMissing when some could not be kept yet; all others are."""
        awaited = self._clock() - HELD_BACK
        last = [event for said in news if said.at > awaited for event in _last_events(said.event)]
        missing = frozenset(event.connection_id for event in await self._timeline.missing(last))
        pieces = [piece for said in news for piece in _pieces(said.event, missing if said.at > awaited else ())]
        await self._timeline.put_news(pieces)
        await self._put_doubts([_doubt(said.event) for said in news if isinstance(said.event, DoubtNews)])
        if missing:
            raise EventsMissing

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


def _pieces(event: SyncNews, missing: frozenset[str] | tuple[()]) -> Iterator[ConnectionNews]:
    """The news, without those of connections whose events are missing."""
    if isinstance(event, SyncCompleted):
        yield from (_completed(sync) for sync in event.connections if sync.connection_id not in missing)
    elif isinstance(event, CredentialsRejected):
        as_of = None if event.as_of is None else _moment(event.as_of)
        yield Rejected(event.connection_id, Version(event.epoch, event.revision), as_of)


def _completed(sync: CompletedSync) -> Completed:
    """A calendar that was never read comes with the age 0."""
    return Completed(
        connection_id=sync.connection_id,
        version=Version(sync.epoch, sync.revision),
        as_of=_moment(sync.as_of),
        behind=tuple((age.id, _moment(age.as_of) if age.as_of else None) for age in sync.calendars),
        setup_revision=sync.setup_revision,
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
