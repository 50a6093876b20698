"""How old our knowledge of a user's calendars is, and what that means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from availability.domain.blocking import AllDayRule
from availability.domain.changes import Access, Version, WhenStale
from availability.domain.intervals import Span, Window


class State(StrEnum):
    """What an answer is worth."""

    FRESH = "fresh"
    STALE = "stale"
    IMPORTING = "importing"
    NEEDS_RECONNECT = "needs_reconnect"
    NOT_CONNECTED = "not_connected"


_SEVEREST_LAST: Final = (WhenStale.KEEP, WhenStale.WARN, WhenStale.CLOSE)
_WORST_FIRST: Final = (State.NEEDS_RECONNECT, State.IMPORTING, State.STALE, State.FRESH)


@dataclass(frozen=True, slots=True)
class Connection:
    """What we know of a living connection and of the reading of its calendars."""

    id: str
    epoch: int
    calendars: tuple[tuple[str, AllDayRule], ...]
    """The conflict calendars and their all-day rules."""
    completed: Version | None = None
    """The newest pass that read everything; None before the first."""
    as_of: datetime | None = None
    behind: tuple[tuple[str, datetime | None], ...] = ()
    """Calendars that pass could not read, and up to when they had been read before, if ever."""
    rejected: Version | None = None
    """When Apple refused the credential, if it ever did."""
    revision: int = 1
    """That of the setup."""
    since: tuple[tuple[str, int], ...] = ()
    """The revisions that took the calendars in, where they were told; of others it may be the newest."""
    setup_read: int | None = None
    """The revision of the setup that the newest pass went by, where it was told."""
    known: Span | None = None
    """The time that the newest pass had read of all calendars, where it was told."""
    access: Access = Access.READ_ONLY
    linked_calendar_id: str | None = None
    titles: bool = False
    when_stale: WhenStale = WhenStale.KEEP

    @property
    def setup_is_another(self) -> bool:
        """Whether the newest pass went by a setup that may not have had all calendars of this one."""
        if self.setup_read is None:
            return False
        return any(not self.went_by(one) for one, _ in self.calendars) or not (self.calendars or self.went_by(""))

    def went_by(self, calendar: str) -> bool:
        """Whether the newest pass went by a setup that had this calendar.

        An older one may not have had what counts now, and which calendars a newer one has, nobody has told.
        """
        if self.setup_read is None:
            return True
        return dict(self.since).get(calendar, self.revision) <= self.setup_read <= self.revision

    def reaches(self, window: Window) -> bool:
        """Whether the calendars are read to the end of that time.

        What lies further back than was read is not kept, but nobody is booked then.
        """
        return self.known is None or window.end <= self.known[1]

    @property
    def needs_reconnect(self) -> bool:
        """Whether the credential of this epoch was refused, and no pass has succeeded since."""
        if self.rejected is None or self.rejected.epoch < self.epoch:
            return False
        return self.completed is None or self.completed < self.rejected


@dataclass(frozen=True, slots=True)
class CalendarFreshness:
    """One conflict calendar: up to when it was read (None: never yet), and what that means."""

    id: str
    as_of: datetime | None
    state: State


@dataclass(frozen=True, slots=True)
class Freshness:
    """The whole of it: `as_of` is that of the oldest calendar, `state` the worst."""

    as_of: datetime | None
    state: State
    calendars: tuple[CalendarFreshness, ...] = ()
    consequence: WhenStale = WhenStale.KEEP
    """What the account makes of it; `keep` while nothing is overdue."""
    known: Span | None = None
    """The time that all calendars were read for; None where that was not told."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """The present moment, and the age from which knowledge is stale."""

    now: datetime
    stale_after: timedelta

    @staticmethod
    def never() -> "Ageing":
        """For whoever judges the age of knowledge in a way of their own."""
        return Ageing(datetime.max.replace(tzinfo=UTC), timedelta.max)

    def state_of(self, as_of: datetime) -> State:
        """Fresh or stale. What is to have been read long after now was told by a clock that nobody can go by."""
        return State.STALE if abs(self.now - as_of) > self.stale_after else State.FRESH


def freshness(connections: Sequence[Connection], ageing: Ageing, window: Window | None = None) -> Freshness:
    """How well a user's calendars are known.

    A time that reaches further ahead than they are read is as what was never read. A user has one connection; for a
    moment there may be two, when a new one is known before the end of the old.
    """
    if not connections:
        return Freshness(None, State.NOT_CONNECTED)
    each = [_of_one(connection, ageing, window) for connection in connections]
    return Freshness(
        as_of=_oldest([one.as_of for one in each]),
        state=_worst([one.state for one in each]),
        calendars=tuple(calendar for one in each for calendar in one.calendars),
        consequence=max((one.consequence for one in each), key=_SEVEREST_LAST.index),
        known=_common([one.known for one in each]),
    )


def is_overdue(connection: Connection, ageing: Ageing) -> bool:
    """Whether a calendar that was read before could not be read for too long.

    What was never read yet is being imported, and not overdue. A new setup makes nothing younger.
    """
    if connection.needs_reconnect:
        return True
    if connection.completed is None:
        return False
    behind = dict(connection.behind)
    ages = [behind.get(calendar, connection.as_of) for calendar, _ in connection.calendars] or [connection.as_of]
    return any(age is not None and ageing.state_of(age) is State.STALE for age in ages)


def _of_one(connection: Connection, ageing: Ageing, window: Window | None) -> Freshness:
    is_read = window is None or connection.reaches(window)
    behind = dict(connection.behind)

    def age_of(calendar: str) -> datetime | None:
        return behind.get(calendar, connection.as_of if connection.went_by(calendar) else None) if is_read else None

    ages = [(calendar, age_of(calendar)) for calendar, _ in connection.calendars]
    as_of = _oldest([age for _, age in ages] or [age_of("")])
    calendars = tuple(CalendarFreshness(calendar, age, _state(connection, age, ageing)) for calendar, age in ages)
    consequence = connection.when_stale if is_overdue(connection, ageing) else WhenStale.KEEP
    return Freshness(as_of, _state(connection, as_of, ageing), calendars, consequence, connection.known)


def _state(connection: Connection, as_of: datetime | None, ageing: Ageing) -> State:
    if connection.needs_reconnect:
        return State.NEEDS_RECONNECT
    if connection.completed is None or as_of is None:
        return State.IMPORTING
    return ageing.state_of(as_of)


def _oldest(ages: Sequence[datetime | None]) -> datetime | None:
    """None where one of them was never read."""
    known = [age for age in ages if age is not None]
    return min(known) if len(known) == len(ages) else None


def _common(known: Sequence[Span | None]) -> Span | None:
    """None where one of them was not told."""
    told = [span for span in known if span is not None]
    return (max(start for start, _ in told), min(end for _, end in told)) if len(told) == len(known) else None


def _worst(states: Sequence[State]) -> State:
    return min(states, key=_WORST_FIRST.index)
