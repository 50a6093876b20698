"""How far each connection's calendars have been read."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from availability.application.timeline import Timeline
from availability.domain.changes import Completed, ConnectionNews, Rejected, Version
from contracts.events import CompletedSync, CredentialsRejected, SyncCompleted

SyncNews = SyncCompleted | CredentialsRejected


class RecordSyncs:
    """Keeps up to when each connection was read and whether Apple still lets us in.

    News of a connection that is not known yet are kept for it.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def __call__(self, news: Sequence[SyncNews]) -> None:
        await self._timeline.put_news([piece for event in news for piece in _pieces(event)])


def _pieces(event: SyncNews) -> Iterator[ConnectionNews]:
    if isinstance(event, SyncCompleted):
        yield from map(_completed, event.connections)
    else:
        as_of = None if event.as_of is None else _moment(event.as_of)
        yield Rejected(event.connection_id, Version(event.epoch, event.revision), as_of)


def _completed(sync: CompletedSync) -> Completed:
    """A calendar that was never read comes with the age 0."""
    return Completed(
        connection_id=sync.connection_id,
        version=Version(sync.epoch, sync.revision),
        as_of=_moment(sync.as_of),
        behind=tuple((age.id, _moment(age.as_of) if age.as_of else None) for age in sync.calendars),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
