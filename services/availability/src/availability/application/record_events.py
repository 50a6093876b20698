"""Imported events, as they are read from iCloud, become part of the timeline."""

from collections.abc import Sequence

from availability.application.concerned import concerned
from availability.application.timeline import Timeline
from availability.domain.blocking import Facts
from availability.domain.changes import (
    EventChange,
    Finality,
    Gone,
    Imported,
    Occurrences,
    Owner,
    Version,
    newest_events,
)
from contracts.events import ICloudEventImported, ICloudEventRemoved
from contracts.facts import OccurrenceGroup
from contracts.wire import Tombstone

EventNews = ICloudEventImported | ICloudEventRemoved | Tombstone


class RecordEvents:
    """Keeps the newest of each event, in one go for many; nothing of an ended connection stays.

    The end of a connection comes over another topic and may be recorded at this very moment. It is marked before
    the events are erased, and here the mark is looked for after the events are written: whichever of the two comes
    last erases what the other has left. In the same way appointments are held against a user's time after it changed.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def __call__(self, news: Sequence[EventNews]) -> None:
        changes = newest_events(map(_change, news))
        users = await concerned(self._timeline, news)
        await self._timeline.put_events(changes)
        await self._timeline.recheck(users)
        ended = await self._timeline.ended(_connections(changes))
        if ended:
            await self._timeline.erase_events(ended)


def _connections(changes: Sequence[EventChange]) -> frozenset[str]:
    ids = (change.owner.connection_id if isinstance(change, Imported) else change.connection_id for change in changes)
    return frozenset(connection_id for connection_id in ids if connection_id is not None)


def _change(news: EventNews) -> EventChange:
    if isinstance(news, Tombstone):
        return Gone(news.key, Version(news.epoch, news.revision, Finality.ENDED), connection_id=None)
    if isinstance(news, ICloudEventRemoved):
        return Gone(news.event_id, Version(news.epoch, news.revision, Finality.REMOVED), news.connection_id)
    return Imported(
        event_id=news.event_id,
        version=Version(news.epoch, news.revision),
        owner=Owner(news.account_id, news.user_id, news.connection_id),
        calendar_id=news.calendar_id,
        groups=tuple(map(_group, news.occurrences)),
        title=news.title,
    )


def _group(group: OccurrenceGroup) -> Occurrences:
    said = group.facts
    facts = Facts(
        cancelled=said.cancelled,
        declined=said.declined,
        transparent=said.transparent,
        tentative=said.tentative,
        own_appointment=said.own_appointment,
        all_day=said.all_day,
    )
    return Occurrences(facts, group.spans)
