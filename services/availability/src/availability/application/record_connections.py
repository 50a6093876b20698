"""Connections begin, change their setup, and end."""

from collections.abc import Sequence

from availability.application.concerned import concerned
from availability.application.timeline import Timeline
from availability.domain.blocking import AllDayRule
from availability.domain.changes import Access, Disconnected, Owner, SetUp, Version, WhenStale
from contracts.events import CalendarConnected, CalendarDisconnected, CalendarReconnected, CalendarSetupChanged
from contracts.wire import Tombstone

SetUpNews = CalendarConnected | CalendarReconnected | CalendarSetupChanged
ConnectionEvent = SetUpNews | CalendarDisconnected | Tombstone


class RecordConnections:
    """Keeps the newest setup of each connection; an end is final and erases every event of the connection.

    A tombstone without its CalendarDisconnected (compaction takes it away) means the same.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def __call__(self, news: Sequence[ConnectionEvent]) -> None:
        users = await concerned(self._timeline, news)
        await self._timeline.put_news([_set_up(piece) for piece in news if isinstance(piece, SetUpNews)])
        ends = [_end(piece) for piece in news if not isinstance(piece, SetUpNews)]
        for end in ends:
            await self._timeline.end(end)
        if ends:
            await self._timeline.erase_events(frozenset(end.connection_id for end in ends))
        await self._timeline.recheck(users)


def _set_up(news: SetUpNews) -> SetUp:
    return SetUp(
        owner=Owner(news.account_id, news.user_id, news.connection_id),
        version=Version(news.epoch, news.revision),
        calendars=tuple((chosen.id, AllDayRule(chosen.all_day)) for chosen in news.setup.conflict_calendars),
        since=tuple((one.id, one.since) for one in news.setup.conflict_calendars if one.since is not None),
        access=Access(news.access),
        linked_calendar_id=news.setup.linked_calendar_id,
        titles=news.setup.titles,
        when_stale=WhenStale(news.setup.when_stale),
    )


def _end(news: CalendarDisconnected | Tombstone) -> Disconnected:
    connection_id = news.key if isinstance(news, Tombstone) else news.connection_id
    return Disconnected(connection_id, Version(news.epoch, news.revision))
