"""A connection, as the pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from markupsafe import Markup

from connector.domain.calendars import WhenStale
from connector.domain.connection import Access, Connection
from connector.domain.reading import HeldRemovals, Quarantined, UnreadableEvent
from connector.domain.sync import SyncState, sync_state
from connector.inbound.http.bodies import rfc3339
from connector.inbound.pages import zones
from connector.inbound.pages.calendars_shown import CalendarShown, calendars_shown, known_calendars
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.moments import Moments

_ICONS: Final = {
    SyncState.IMPORTING: "hourglass",
    SyncState.FRESH: "check",
    SyncState.STALE: "clock",
    SyncState.NEEDS_RECONNECT: "alert",
}
_DOUBTS: Final = frozenset({"emptied", "shrunken", "incomplete", "vanished"})
_BLOCKS: Final[Mapping[str, str]] = {
    "rule_malformed": "once",
    "rule_unsupported": "once",
    "too_many_in_all": "throughout",
    "too_many_occurrences": "at_first",
    "too_much_work": "at_first",
}
"""What blocks of an event that repeats, by the reason why it cannot be read. Of others it is what could be read."""


@dataclass(frozen=True, slots=True)
class ProgressShown:
    """How far the first import is."""

    imported: int
    total: int | None
    said: str


@dataclass(frozen=True, slots=True)
class HeldShown:
    """Removals that wait for the user's word, or for that to be over. `since` is what the form says that it shows."""

    id: str
    since: str
    name: str
    what: str
    doubt: str
    kept: str
    """What the user has said of them; empty: nothing yet."""


@dataclass(frozen=True, slots=True)
class UnreadEventShown:
    """One event that could not be read: its first time, and where it repeats what of it blocks."""

    when: str
    blocks: str


@dataclass(frozen=True, slots=True)
class UnreadShown:
    """Events of one calendar that could not be read."""

    heading: str
    events: Sequence[UnreadEventShown]
    more: str


@dataclass(frozen=True, slots=True)
class ConnectionShown:
    """A connection in words. `moving`: what is shown changes by itself, soon.

    `says` is the state, `look` (a state's name) how it is drawn; `waits` is what somebody has to look at themselves.
    """

    id: str
    hint: str
    state: SyncState
    says: str
    look: SyncState
    icon: str
    moving: bool
    checked: str
    checked_when: str
    refused: str
    progress: ProgressShown | None
    blocking: Sequence[CalendarShown]
    linked: CalendarShown | None
    held: Sequence[HeldShown]
    quarantined: Sequence[UnreadShown]
    waits: Sequence[str]
    newcomers: str
    remembers_apple_id: bool
    access: Access
    full_access: bool
    chosen: bool
    when_stale: WhenStale
    titles: bool
    time_zone: str
    since: str


def connection_shown(connection: Connection, moments: Moments, stale_after: timedelta) -> ConnectionShown:
    """The connection at the moment that `moments` speak from."""
    words, terms, as_of = moments.words, connection.terms, connection.reading.as_of
    state = sync_state(connection, moments.now, stale_after)
    calendars = calendars_shown(connection, moments)
    fresh, waits = state is SyncState.FRESH, _waits(connection, moments)
    return ConnectionShown(
        id=connection.id,
        hint=connection.apple.hint,
        state=state,
        says=words(f"state.{state}.{_but(connection) if fresh else 'says'}"),
        look=SyncState.STALE if fresh and waits else state,
        icon="alert" if fresh and waits else _ICONS[state],
        moving=state is not SyncState.NEEDS_RECONNECT,
        checked=words("connection.checked", when=moments.ago(as_of)) if as_of else words("connection.not_checked"),
        checked_when=moments.ago(as_of) if as_of else words("date.never"),
        refused=_refused(connection, moments, state),
        progress=_progress(connection, moments),
        blocking=[calendar for calendar in calendars if calendar.blocks],
        linked=next((calendar for calendar in calendars if calendar.linked), None),
        held=[_held(held, connection, moments) for held in connection.held],
        quarantined=[_unread(unread, connection, moments) for unread in connection.quarantined if unread.count],
        waits=waits,
        newcomers=words.counted("connection.newcomers", count) if (count := len(connection.newcomers)) else "",
        remembers_apple_id=connection.apple.remembered is not None,
        access=terms.access,
        full_access=terms.access is Access.FULL,
        chosen=connection.chosen,
        when_stale=terms.setup.when_stale,
        titles=terms.setup.titles,
        time_zone=zones.place(terms.time_zone, words),
        since=moments.day(connection.created_at),
    )


def _but(connection: Connection) -> str:
    """The word for a state in which all calendars are read, and yet not everything may be as in iCloud."""
    unread = any(one.count for one in connection.quarantined)
    if connection.held:
        return "but.held_and_unread" if unread else "but.held"
    return "but.unread" if unread else "says"


def _waits(connection: Connection, moments: Moments) -> Sequence[str]:
    asked = sum(held.kept(moments.now) is None for held in connection.held)
    unread = sum(one.count for one in connection.quarantined)
    several = (("list.held", asked), ("list.unread", unread))
    return [moments.words.counted(key, number) for key, number in several if number]


def _refused(connection: Connection, moments: Moments, state: SyncState) -> str:
    if state is not SyncState.NEEDS_RECONNECT:
        return ""
    since, worked = connection.needs_reconnect_since, connection.last_worked_at
    said: dict[str, object] = {}
    if since is not None:
        said["since"] = moments.exactly(since)
    if worked is not None:
        said["worked"] = moments.ago(worked)
    match since, worked:
        case None, None:
            key = "reconnect.refused_from_the_start"
        case None, _:
            key = "reconnect.refused_some_time"
        case _, None:
            key = "reconnect.refused_never"
        case _:
            key = "reconnect.refused"
    return moments.words(key, **said)


def _progress(connection: Connection, moments: Moments) -> ProgressShown | None:
    progress = connection.reading.progress
    if progress is None:
        return None
    key = "connection.imported" if progress.total is None else "connection.imported_of"
    said = moments.words.counted(key, progress.imported, total=progress.total)
    return ProgressShown(progress.imported, progress.total, said)


def _held(held: HeldRemovals, connection: Connection, moments: Moments) -> HeldShown:
    words = moments.words
    since, until = moments.exactly(held.since), held.kept(moments.now)
    return HeldShown(
        id=held.calendar_id,
        since=rfc3339(held.since),
        name=_name_of(held.calendar_id, connection, moments),
        what=words.counted("held.what", held.missing, known=held.known, since=since),
        doubt=words(f"held.doubt.{held.doubt if held.doubt in _DOUBTS else 'other'}"),
        kept=words("held.kept", until=moments.exactly(until)) if until else "",
    )


def _unread(unread: Quarantined, connection: Connection, moments: Moments) -> UnreadShown:
    words = moments.words
    name = _name_of(unread.calendar_id, connection, moments)
    more = unread.count - len(unread.objects)
    return UnreadShown(
        heading=words.counted("unread.heading", unread.count, calendar=name),
        events=[UnreadEventShown(_when(event, moments), _blocks(event, words)) for event in unread.objects],
        more=words.counted("unread.more", more) if more > 0 and unread.objects else "",
    )


def _when(event: UnreadableEvent, moments: Moments) -> Markup:
    if event.start is None:
        return moments.words("unread.somewhen")
    if event.end is None or moments.day(event.start) != moments.day(event.end):
        return moments.exactly(event.start)
    clock = {"start": moments.clock(event.start), "end": moments.clock(event.end)}
    return moments.words("date.range", day=moments.day(event.start), **clock)


def _blocks(event: UnreadableEvent, words: Words) -> str:
    blocks = _BLOCKS.get(event.reason)
    return words(f"unread.blocks.{blocks}") if blocks and event.start else ""


def _name_of(calendar_id: str, connection: Connection, moments: Moments) -> str:
    return next(c.name for c in known_calendars(connection, moments.words) if c.id == calendar_id)
