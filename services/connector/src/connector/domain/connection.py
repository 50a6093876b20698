"""One user's iCloud connection in one account: how it begins, changes and ends."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.calendars import Calendar, ConflictCalendar, Setup, safe_default, with_newcomers
from connector.domain.reading import NOTHING_READ, CalendarAge, CalendarState, HeldRemovals, Quarantined, Reading


class Access(StrEnum):
    """What the user allowed; `read_only` is our promise never to write."""

    READ_ONLY = "read_only"
    FULL = "full"


class State(StrEnum):
    """Whether a living connection can be used; one that ended is a Gravestone."""

    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"


class News(StrEnum):
    """What the newest revision of a connection tells the other services."""

    CONNECTED = "connected"
    RECONNECTED = "reconnected"
    SETUP_CHANGED = "setup_changed"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose connection it is: a user of an account, both named by the platform's token."""

    account_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the other services work by."""

    access: Access
    time_zone: str
    calendars: tuple[Calendar, ...]
    setup: Setup


@dataclass(frozen=True, slots=True)
class AppleAccount:
    """An Apple account as we keep it: `fingerprint` tells one from another, `hint` reminds its owner which it is.

    `remembered` is the Apple ID, encrypted, so that a reconnect asks for the password alone; None: we do not know it.
    """

    fingerprint: str
    hint: str
    remembered: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One revision of a connection as the other services hear of it; without `terms` it is the end."""

    connection_id: str
    owner: Owner
    epoch: int
    revision: int
    news: News
    at: datetime
    terms: Terms | None
    trace: str | None = field(default=None, compare=False)
    """Of whoever asked for it, where that is told (`runtime.tracing`)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A living connection.

    `revision` grows with each change of `terms`, so that `terms` are always those of the newest announcement.
    `calendars_told` is the revision of the workers' word that the calendars are from; 0: from (re)connecting.
    `chosen_from` are the calendars that were there when the user last chose a setup; None: nothing was chosen yet.
    """

    id: str
    owner: Owner
    apple: AppleAccount
    terms: Terms
    epoch: int
    revision: int
    news: News
    changed_at: datetime
    created_at: datetime
    state: State = State.CONNECTED
    reading: Reading = NOTHING_READ
    calendars_told: int = 0
    chosen_from: frozenset[str] | None = None

    def announcement(self) -> Announcement:
        """What is to be told of the newest revision."""
        return Announcement(self.id, self.owner, self.epoch, self.revision, self.news, self.changed_at, self.terms)

    @property
    def chosen(self) -> bool:
        """Whether the user has ever chosen a setup; until then the safe default holds."""
        return self.chosen_from is not None

    @property
    def newcomers(self) -> tuple[Calendar, ...]:
        """Supported calendars that came after the user's choice and are not in it."""
        seen = self.chosen_from
        if seen is None:
            return ()
        blocking = self.terms.setup.conflict_ids
        return tuple(c for c in self.terms.calendars if c.supported and c.id not in seen and c.id not in blocking)

    @property
    def ages(self) -> tuple[CalendarAge, ...]:
        """Up to when each conflict calendar is read, in the setup's order."""
        behind = {age.calendar_id: age for age in self.reading.behind}
        return tuple(behind.get(c.id) or self._age(c) for c in self.terms.setup.conflict_calendars)

    @property
    def held(self) -> tuple[HeldRemovals, ...]:
        """Removals that wait for the user's word, of conflict calendars."""
        return tuple(one for one in self.reading.held if one.calendar_id in self.terms.setup.conflict_ids)

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What cannot be read, by conflict calendar."""
        return tuple(one for one in self.reading.quarantined if one.calendar_id in self.terms.setup.conflict_ids)

    @property
    def needs_reconnect_since(self) -> datetime | None:
        """From when on Apple refuses the credential; None unless it does, or where nobody said since when."""
        return self.reading.refused_since if self.state is State.NEEDS_RECONNECT else None

    @property
    def last_worked_at(self) -> datetime | None:
        """When Apple last let us look; None: never yet."""
        return self.reading.looked_at

    def _age(self, calendar: ConflictCalendar) -> CalendarAge:
        reading = self.reading
        told = reading.setup_revision is None or calendar.since <= reading.setup_revision
        if told and reading.looked_at is not None:
            return CalendarAge(calendar.id, reading.looked_at, CalendarState.READ)
        return CalendarAge(calendar.id, None, CalendarState.WAITING)


@dataclass(frozen=True, slots=True)
class Gravestone:
    """What stays of a connection that ended, so that nothing late brings it back."""

    id: str
    owner: Owner
    epoch: int
    revision: int
    ended_at: datetime

    def announcement(self) -> Announcement:
        """What is to be told of the end."""
        return Announcement(self.id, self.owner, self.epoch, self.revision, News.DISCONNECTED, self.ended_at, None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for when connecting, credential aside."""

    access: Access
    time_zone: str

    def with_defaults(self, calendars: tuple[Calendar, ...]) -> Terms:
        """The terms that hold until the user chooses a setup."""
        return Terms(self.access, self.time_zone, calendars, safe_default(calendars))


def connected(connection_id: str, owner: Owner, *, apple: AppleAccount, terms: Terms, at: datetime) -> Connection:
    """A new connection."""
    return Connection(
        connection_id, owner, apple, terms, epoch=1, revision=1, news=News.CONNECTED, changed_at=at, created_at=at
    )


def recalendared(connection: Connection, calendars: tuple[Calendar, ...], *, told: int, at: datetime) -> Connection:
    """The connection after the workers found `calendars`, as of revision `told` of their word.

    Itself when that is an old word; a new revision only when something changed. Once the user has chosen a setup,
    new calendars are not added to it: they are `newcomers`, for the user to decide.
    """
    if told <= connection.calendars_told:
        return connection
    heard = replace(connection, calendars_told=told)
    if set(calendars) == set(connection.terms.calendars):
        return heard
    terms = _with_calendars(connection, calendars)
    return replace(heard, terms=terms, revision=connection.revision + 1, news=News.SETUP_CHANGED, changed_at=at)


def reconnected(
    connection: Connection, apple: AppleAccount, calendars: tuple[Calendar, ...], *, at: datetime
) -> Connection:
    """The same connection under a new epoch, after its Apple account proved a credential and showed `calendars`.

    Setup and what is known of the reading stay; the workers' words begin anew.
    """
    return replace(
        connection,
        apple=apple,
        terms=_with_calendars(connection, calendars),
        epoch=connection.epoch + 1,
        revision=connection.revision + 1,
        news=News.RECONNECTED,
        changed_at=at,
        state=State.CONNECTED,
        reading=replace(connection.reading, progress=None, refused_since=None),
        calendars_told=0,
    )


def ended(connection: Connection, *, at: datetime) -> Gravestone:
    """What stays when a connection is over."""
    return Gravestone(connection.id, connection.owner, connection.epoch, connection.revision + 1, at)


def _with_calendars(connection: Connection, calendars: tuple[Calendar, ...]) -> Terms:
    known = connection.terms
    if connection.chosen:
        return replace(known, calendars=calendars)
    setup = with_newcomers(known.setup, known.calendars, calendars, since=connection.revision + 1)
    return replace(known, calendars=calendars, setup=setup)


def hint_of(apple_id: str) -> str:
    """An Apple ID as its owner recognises it and nobody else learns it: `a…@icloud.com`."""
    local, _, domain = apple_id.rpartition("@")
    return f"{local[:1]}…@{domain}"
