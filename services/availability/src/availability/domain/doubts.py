"""What we know not to know of a calendar. It decides nothing: it explains."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from availability.domain.changes import Version
from availability.domain.intervals import Span


@dataclass(frozen=True, slots=True)
class Held:
    """Of so many known events of a calendar so many are missing in iCloud, which is not believed yet; they stay.

    `since` is None once it is settled.
    """

    connection_id: str
    calendar_id: str
    version: Version
    since: datetime | None
    known: int
    missing: int
    why: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """A calendar object that cannot be read, and its time where that can be told."""

    event_id: str
    reason: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """All of one calendar that cannot be read at present."""

    connection_id: str
    calendar_id: str
    version: Version
    events: tuple[UnreadableEvent, ...]


Doubt = Held | Quarantined


def is_over(doubt: Doubt) -> bool:
    """Whether there is nothing to doubt any more."""
    return doubt.since is None if isinstance(doubt, Held) else not doubt.events


def newest_doubts(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """One of each kind and calendar, the newest."""
    newest: dict[tuple[type[Doubt], str, str], Doubt] = {}
    for doubt in doubts:
        about = (type(doubt), doubt.connection_id, doubt.calendar_id)
        if about not in newest or newest[about].version < doubt.version:
            newest[about] = doubt
    return tuple(newest.values())
