"""Appointments: what was agreed on, what happened to it, and what the other services are to be told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from availability.domain.exports import Change, Outcome
from availability.domain.intervals import Span
from availability.domain.users import User

HISTORY: Final = 50
"""So much of what happened stays; the oldest goes first."""
WAITING: Final = 20
"""So many announcements of one appointment wait as they came: with the longest words, a megabyte."""


class Standing(StrEnum):
    """Whether an appointment will take place."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


class News(StrEnum):
    """What may happen to an appointment."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    EDITED = "edited"
    """Other words, the same time."""
    CANCELLED = "cancelled"
    IN_CONFLICT = "in_conflict"
    CONFLICT_OVER = "conflict_over"


CHANGES: Final = frozenset({News.RESCHEDULED, News.EDITED})
CONFLICT_NEWS: Final = frozenset({News.IN_CONFLICT, News.CONFLICT_OVER})


@dataclass(frozen=True, slots=True)
class Agreed:
    """When, and in what words."""

    span: Span
    title: str
    location: str | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        if self.span[0] >= self.span[1]:
            raise ValueError("an appointment takes time")


@dataclass(frozen=True, slots=True)
class Act:
    """Who did it, and when. Nobody did what follows from other things."""

    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of an appointment's history; `span` is its time from then on."""

    revision: int
    what: News
    act: Act
    span: Span


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment with its history. Every change makes a new one with the next revision."""

    id: str
    user: User
    agreed: Agreed
    history: tuple[Happened, ...]
    """Oldest first, never empty; the last line made this revision."""
    created_at: datetime
    agreed_revision: int = 1
    """The revision since which time and words are as they are."""
    standing: Standing = Standing.BOOKED
    conflicts: tuple[Span, ...] = ()
    """What of its time was taken when this was last looked at and told."""
    outcome: Outcome | None = None
    """What the worker last said of its way to iCloud."""
    change: Change | None = None
    """What the user last did to it on the Apple side."""

    @property
    def revision(self) -> int:
        return self.history[-1].revision

    @property
    def place(self) -> tuple[int, str]:
        """In a list: by its start, and, where others that were called off had the same, by its id."""
        return self.agreed.span[0], self.id

    @property
    def updated_at(self) -> datetime:
        return self.history[-1].act.at

    def with_agreed(self, agreed: Agreed, act: Act) -> "Appointment":
        """The appointment after another agreement; itself where that says nothing new."""
        if agreed == self.agreed:
            return self
        what = News.EDITED if agreed.span == self.agreed.span else News.RESCHEDULED
        return replace(self._after(what, act, agreed.span), agreed=agreed, agreed_revision=self.revision + 1)

    def cancelled(self, act: Act) -> "Appointment":
        """The appointment after it was called off."""
        return replace(self._after(News.CANCELLED, act, self.agreed.span), standing=Standing.CANCELLED, conflicts=())

    def in_conflict(self, conflicts: tuple[Span, ...], at: datetime) -> "Appointment":
        """The appointment after something else was found in its time; itself where that was told already."""
        if conflicts == self.conflicts:
            return self
        what = News.IN_CONFLICT if conflicts else News.CONFLICT_OVER
        return replace(self._after(what, Act(at, by=None), self.agreed.span), conflicts=conflicts)

    def _after(self, what: News, act: Act, span: Span) -> "Appointment":
        # Clocks of two processes may differ: what happens later is never told as earlier.
        then = replace(act, at=max(act.at, self.updated_at))
        line = Happened(self.revision + 1, what, then, span)
        return replace(self, history=(*self.history, line)[-HISTORY:])


def booked(appointment_id: str, user: User, agreed: Agreed, act: Act) -> Appointment:
    """A new appointment."""
    first = Happened(1, News.BOOKED, act, agreed.span)
    return Appointment(appointment_id, user, agreed, (first,), created_at=act.at)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the other services are to be told: the appointment as its newest revision left it."""

    appointment_id: str
    user: User
    connection_id: str | None
    """The connection of its user at that moment."""
    revision: int
    at: datetime
    news: News
    agreed: Agreed
    previous: Span | None = None
    """The time before, where it is another now."""
    conflicts: tuple[Span, ...] = ()
    trace: str | None = field(default=None, compare=False)
    """Of whoever asked for it, where that is told (`runtime.tracing`)."""


def announcement(appointment: Appointment, connection_id: str | None) -> Announcement:
    """What is to be told of the last thing that happened."""
    last = appointment.history[-1]
    before = appointment.history[-2].span if last.what is News.RESCHEDULED else None
    return Announcement(
        appointment_id=appointment.id,
        user=appointment.user,
        connection_id=connection_id,
        revision=last.revision,
        at=last.act.at,
        news=last.what,
        agreed=appointment.agreed,
        previous=before,
        conflicts=appointment.conflicts if last.what is News.IN_CONFLICT else (),
    )


def still_told(waiting: Sequence[Announcement]) -> Sequence[Announcement]:
    """What is told of what waits, oldest first: all of it, unless that is more than WAITING.

    Of the changes the last is told then, as a move where any of them was one, and of the conflicts the last. Each
    says all that those before it said, and a reader that hears the last one first drops them anyway.
    """
    if len(waiting) <= WAITING:
        return waiting
    changes = [one for one in waiting if one.news in CHANGES]
    last = {one.revision for several in (changes, _conflicts(waiting)) for one in several[-1:]}
    kept = [one for one in waiting if one.news in {News.BOOKED, News.CANCELLED} or one.revision in last]
    return [_all_of(changes) if one.news in CHANGES else one for one in kept]


def _conflicts(waiting: Sequence[Announcement]) -> Sequence[Announcement]:
    return [one for one in waiting if one.news in CONFLICT_NEWS]


def _all_of(changes: Sequence[Announcement]) -> Announcement:
    """The last change, as one from the time before the first.

    There and back again is told as from the time before the last move: a reader may have heard of that one.
    """
    last = changes[-1]
    before = [one.previous for one in changes if one.previous is not None]
    if not before:
        return last
    return replace(last, news=News.RESCHEDULED, previous=before[-1] if before[0] == last.agreed.span else before[0])
