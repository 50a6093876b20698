"""A timeline in memory. It runs the same tests as MongoDB's."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from availability.domain.busy import Entry, Known, KnownEvent, KnownOccurrences
from availability.domain.changes import (
    Completed,
    ConnectionNews,
    Disconnected,
    EventChange,
    Imported,
    LastEvent,
    Rejected,
    SetUp,
    Version,
)
from availability.domain.doubts import Doubt
from availability.domain.freshness import Connection
from availability.domain.intervals import Window
from availability.domain.users import User


@dataclass(slots=True)
class KeptConnection:
    """The newest news of each kind about one connection; once it has ended, only that."""

    newest: dict[type[ConnectionNews], ConnectionNews] = field(default_factory=dict)
    as_of: datetime | None = None
    ended: Version | None = None


class MemoryTimeline:
    """Keeps what it is told, in dictionaries."""

    def __init__(self) -> None:
        self.events: dict[str, EventChange] = {}
        self.connections: dict[str, KeptConnection] = {}
        self.entries: dict[str, tuple[User, Entry]] = {}
        self.counts: dict[User, int] = {}
        self.unchecked: set[User] = set()
        self.doubts: dict[tuple[type[Doubt], str, str], Doubt] = {}

    async def put_events(self, changes: Collection[EventChange]) -> None:
        for change in changes:
            known = self.events.get(change.event_id)
            if known is None or known.version < change.version:
                self.events[change.event_id] = change

    async def put_news(self, news: Collection[ConnectionNews]) -> None:
        for piece in news:
            kept = self.connections.setdefault(piece.connection_id, KeptConnection())
            if kept.ended is not None:
                continue
            known = kept.newest.get(type(piece))
            if known is None or known.version < piece.version:
                kept.newest[type(piece)] = piece
            if not isinstance(piece, SetUp) and piece.as_of is not None:
                kept.as_of = piece.as_of if kept.as_of is None else max(kept.as_of, piece.as_of)

    async def put_doubts(self, doubts: Collection[Doubt]) -> None:
        for doubt in doubts:
            about = (type(doubt), doubt.connection_id, doubt.calendar_id)
            if about not in self.doubts or self.doubts[about].version < doubt.version:
                self.doubts[about] = doubt

    async def end(self, connection: Disconnected) -> None:
        known = self.connections.get(connection.connection_id)
        before = (known and known.ended) or connection.version
        self.connections[connection.connection_id] = KeptConnection(ended=max(before, connection.version))

    async def ended(self, connection_ids: Collection[str]) -> frozenset[str]:
        return frozenset(one for one in connection_ids if one in self.connections and self.connections[one].ended)

    async def erase_events(self, connection_ids: Collection[str]) -> None:
        self.events = {
            event_id: change for event_id, change in self.events.items() if _connection_of(change) not in connection_ids
        }
        self.doubts = {
            about: doubt for about, doubt in self.doubts.items() if doubt.connection_id not in connection_ids
        }

    async def whose(self, ids: Collection[str]) -> Collection[User]:
        setups = (self.connections[one].newest.get(SetUp) for one in ids if one in self.connections)
        owners = [piece.owner for piece in setups if isinstance(piece, SetUp)]
        events = (self.events.get(one) for one in ids)
        owners += [change.owner for change in events if isinstance(change, Imported)]
        return {User(owner.account_id, owner.user_id) for owner in owners}

    async def recheck(self, users: Collection[User]) -> None:
        for user in users:
            if user in self.counts:
                self.counts[user] += 1
                self.unchecked.add(user)

    async def missing(self, events: Collection[LastEvent]) -> Collection[LastEvent]:
        ended = await self.ended([event.connection_id for event in events])
        return [event for event in events if event.connection_id not in ended and not self._is_applied(event)]

    async def unread(self, connection_ids: Collection[str]) -> Collection[str]:
        ended = await self.ended(connection_ids)
        return {one for one in connection_ids if one not in ended and not self._was_read(one)}

    def _was_read(self, connection_id: str) -> bool:
        known = self.connections.get(connection_id)
        return known is not None and Completed in known.newest

    def _is_applied(self, event: LastEvent) -> bool:
        known = self.events.get(event.event_id)
        return known is not None and known.version[:2] >= (event.epoch, event.revision)

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        del window  # outside of it there may be more
        whose = (account_id, user_id)
        connections = [_connection(kept, whose) for kept in self.connections.values()]
        occurrences = [
            KnownOccurrences(change.calendar_id, group.facts, group.spans, KnownEvent(change.event_id, change.title))
            for change in self.events.values()
            if isinstance(change, Imported) and (change.owner.account_id, change.owner.user_id) == whose
            for group in change.groups
        ]
        entries = tuple(entry for user, entry in self.entries.values() if user == whose)
        return Known(tuple(one for one in connections if one is not None), tuple(occurrences), entries)

    async def known_of(self, account_id: str, user_ids: Collection[str], window: Window) -> Mapping[str, Known]:
        return {user_id: await self.known(account_id, user_id, window) for user_id in user_ids}

    async def all_day_free(self, account_id: str, user_id: str, after: int) -> Collection[KnownOccurrences]:
        del after
        known = await self.known(account_id, user_id, Window(0, 1))
        return [one for one in known.occurrences if one.facts.all_day and one.facts.transparent]

    async def in_detail(self, account_id: str, user_id: str, window: Window) -> Known:
        known = await self.known(account_id, user_id, window)
        asked = {(one.id, calendar) for one in known.connections for calendar, _ in one.calendars}
        doubts = [doubt for about, doubt in self.doubts.items() if about[1:] in asked]
        return replace(known, doubts=tuple(doubts))


def _connection_of(change: EventChange) -> str | None:
    return change.owner.connection_id if isinstance(change, Imported) else change.connection_id


def _connection(kept: KeptConnection, whose: tuple[str, str]) -> Connection | None:
    setup, completed, rejected = (kept.newest.get(kind) for kind in (SetUp, Completed, Rejected))
    if not isinstance(setup, SetUp) or (setup.owner.account_id, setup.owner.user_id) != whose:
        return None
    return Connection(
        id=setup.connection_id,
        epoch=setup.version.epoch,
        calendars=setup.calendars,
        completed=completed.version if completed else None,
        as_of=kept.as_of,
        behind=completed.behind if isinstance(completed, Completed) else (),
        rejected=rejected.version if rejected else None,
        revision=setup.version.revision,
        since=setup.since,
        setup_read=completed.setup_revision if isinstance(completed, Completed) else None,
        known=completed.known if isinstance(completed, Completed) else None,
        access=setup.access,
        linked_calendar_id=setup.linked_calendar_id,
        titles=setup.titles,
        when_stale=setup.when_stale,
    )
