"""One user's iCloud connection in one account: how it begins, changes and ends."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.calendars import Calendar, Setup, safe_default, with_newcomers


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
    SETUP_CHANGED = "setup_changed"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose connection it is: a user of an account, both named by the platform's token."""

    account_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first import is; `total` where it is known."""

    imported: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the workers last told: up to when they have read everything, and how far a first import is."""

    as_of: datetime | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the other services work by."""

    access: Access
    time_zone: str
    calendars: tuple[Calendar, ...]
    setup: Setup


@dataclass(frozen=True, slots=True)
class AppleAccount:
    """An Apple account as we keep it: `fingerprint` tells one from another, `hint` reminds its owner which it is."""

    fingerprint: str
    hint: str


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


@dataclass(frozen=True, slots=True)
class Connection:
    """A living connection.

    `revision` grows with each change of `terms`, so that `terms` are always those of the newest announcement.
    `calendars_told` is the revision of the workers' word that the calendars are from; 0: from connecting.
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
    reading: Reading = Reading()
    calendars_told: int = 0

    def announcement(self) -> Announcement:
        """What is to be told of the newest revision."""
        return Announcement(self.id, self.owner, self.epoch, self.revision, self.news, self.changed_at, self.terms)


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

    Itself when that is an old word; a new revision only when something changed.
    """
    if told <= connection.calendars_told:
        return connection
    heard = replace(connection, calendars_told=told)
    known = connection.terms
    if set(calendars) == set(known.calendars):
        return heard
    terms = replace(known, calendars=calendars, setup=with_newcomers(known.setup, known.calendars, calendars))
    return replace(heard, terms=terms, revision=connection.revision + 1, news=News.SETUP_CHANGED, changed_at=at)


def ended(connection: Connection, *, at: datetime) -> Gravestone:
    """What stays when a connection is over."""
    return Gravestone(connection.id, connection.owner, connection.epoch, connection.revision + 1, at)


def hint_of(apple_id: str) -> str:
    """An Apple ID as its owner recognises it and nobody else learns it: `a…@icloud.com`."""
    local, _, domain = apple_id.rpartition("@")
    return f"{local[:1]}…@{domain}"
