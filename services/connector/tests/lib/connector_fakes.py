"""Stand-ins that run the same contract tests as what they stand in for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from connector.application.disconnect import Disconnection, End
from connector.application.prove import Attempt, Proven
from connector.application.publish import Pages, Unpublishable, Unpublished, Waiting
from connector.application.reconnect import Renew
from connector.application.refusals import (
    AlreadyConnected,
    AppleAccountInUse,
    NobodyToAsk,
    NoSuchConnection,
    TooMuchUntold,
)
from connector.application.request_sync import Request
from connector.domain.attempts import Limit, Scope, Subject, Tally
from connector.domain.calendars import Calendar
from connector.domain.connection import Announcement, Connection, Gravestone, Owner
from connector.domain.sync import Report
from connector.domain.waiting import has_room, still_told
from connector_examples import NOW
from connector_reports import kind_of, told_by
from icloud import AppleCredential, CredentialsRejected, ICloudError
from icloud.credentials import SealedCredential

PAGE = 200


@dataclass
class Kept:
    """A connection or what stays of it, with its outbox."""

    entity: Connection | Gravestone
    pending: list[Announcement]
    published: int = 0
    told: dict[str, int] = field(default_factory=dict)
    """The revision of the newest report, by kind."""
    forget_at: datetime | None = None
    asked_at: datetime | None = None


class FakeConnections:
    """Connections, claims, secrets and outbox in memory; what waits of those in `unreadable` cannot be read."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.unreadable: set[str] = set()
        self.claims: dict[str, tuple[str, set[str]]] = {}
        self.secrets: dict[str, SealedCredential] = {}

    async def of(self, owner: Owner) -> Connection | None:
        return next((c for c in self._living() if c.owner == owner), None)

    async def named(self, connection_id: str, account_id: str) -> Connection | None:
        return next((c for c in self._living() if (c.id, c.owner.account_id) == (connection_id, account_id)), None)

    async def with_epoch(self, connection_id: str, epoch: int) -> Connection | None:
        return next((c for c in self._living() if (c.id, c.epoch) == (connection_id, epoch)), None)

    async def owner_of(self, connection_id: str, account_id: str) -> Owner | None:
        kept = self.kept.get(connection_id)
        return kept.entity.owner if kept and kept.entity.owner.account_id == account_id else None

    async def add(self, connection: Connection, secret: SealedCredential) -> None:
        account_id, ids = self.claims.get(connection.apple.fingerprint, (connection.owner.account_id, set()))
        if account_id != connection.owner.account_id:
            raise AppleAccountInUse
        if await self.of(connection.owner):
            raise AlreadyConnected
        self.claims[connection.apple.fingerprint] = (account_id, ids | {connection.id})
        self.secrets[connection.id] = secret
        self.kept[connection.id] = Kept(connection, [connection.announcement()])

    async def bury(self, owner: Owner, connection_id: str, end: End) -> Disconnection:
        kept = self.kept.get(connection_id)
        if kept is None or kept.entity.owner != owner:
            raise NoSuchConnection
        if isinstance(kept.entity, Gravestone):
            return Disconnection.ALREADY_GONE
        connection = kept.entity
        account_id, ids = self.claims.pop(connection.apple.fingerprint)
        if ids - {connection.id}:
            self.claims[connection.apple.fingerprint] = (account_id, ids - {connection.id})
        del self.secrets[connection.id]
        grave = end(connection)
        kept.entity, kept.pending = grave, [grave.announcement()]
        kept.forget_at = grave.ended_at + timedelta(days=7)
        return Disconnection.ENDED

    async def record(self, reports: Sequence[Report]) -> None:
        for report in reports:
            kept = self.kept.get(report.of.connection_id)
            if kept is None or isinstance(kept.entity, Gravestone) or kept.entity.epoch != report.of.epoch:
                continue
            if report.of.revision > kept.told.get(kind_of(report), 0):
                kept.told[kind_of(report)] = report.of.revision
                kept.entity = told_by(kept.entity, report)

    async def replace(self, old: Connection, new: Connection) -> bool:
        kept = self.kept.get(old.id)
        if kept is None or isinstance(kept.entity, Gravestone):
            return False
        now = kept.entity
        if (now.revision, now.calendars_told) != (old.revision, old.calendars_told):
            return False
        kept.entity = replace(new, state=now.state, reading=now.reading)
        if new.revision > old.revision:
            kept.pending = [*still_told([*kept.pending, new.announcement()])]
        return True

    async def renew(self, connection: Connection, renew: Renew, secret: SealedCredential) -> Connection:
        kept = self.kept.get(connection.id)
        if kept is None or isinstance(kept.entity, Gravestone):
            raise NoSuchConnection
        if not has_room(one.news for one in kept.pending):
            raise TooMuchUntold
        kept.entity = renewed = renew(kept.entity)
        kept.told = {}
        kept.pending = [*still_told([*kept.pending, renewed.announcement()])]
        self.secrets[connection.id] = secret
        return renewed

    async def allow(self, connection_id: str, now: datetime, pause: timedelta) -> timedelta | None:
        kept = self.kept[connection_id]
        if kept.asked_at is not None and abs(now - kept.asked_at) < pause:
            return kept.asked_at + pause - now
        kept.asked_at = now
        return None

    async def waiting(self) -> Pages:
        for page in _pages([one.entity for one in self.kept.values() if one.pending]):
            yield page

    async def read(self, page: Sequence[Waiting]) -> Sequence[Sequence[Announcement]]:
        return [tuple(kept.pending) for kept in self._readable(page) if kept.pending]

    async def mark(self, told: Announcement) -> Sequence[Announcement]:
        kept = self.kept[told.connection_id]
        if kept.published < told.revision:
            kept.published = told.revision
            kept.pending = [one for one in kept.pending if one.revision > told.revision]
            return ()
        if kept.entity.revision <= told.revision:
            return ()
        if told.connection_id in self.unreadable:
            raise Unpublishable
        return tuple(kept.pending) or (kept.entity.announcement(),)

    async def wait_again(self, one: Waiting) -> None:
        kept = self.kept[one.connection_id]
        if kept.published >= kept.entity.revision:
            kept.pending.append(kept.entity.announcement())
            kept.published = kept.entity.revision - 1
            if isinstance(kept.entity, Gravestone):
                kept.forget_at = kept.forget_at or datetime.now(UTC) + timedelta(days=7)

    async def forgettable(self, now: datetime) -> Pages:
        due = (kept for kept in self.kept.values() if kept.forget_at and kept.forget_at <= now and not kept.pending)
        for page in _pages([kept.entity for kept in due]):
            yield page

    async def ends(self, page: Sequence[Waiting]) -> Sequence[Announcement]:
        return [kept.entity.announcement() for kept in self._readable(page) if kept.forget_at]

    async def mark_forgotten(self, end: Announcement) -> None:
        self.kept[end.connection_id].forget_at = None

    def _readable(self, page: Sequence[Waiting]) -> Sequence[Kept]:
        if any(one.connection_id in self.unreadable for one in page):
            raise Unpublishable
        return [self.kept[one.connection_id] for one in page]

    def _living(self) -> Sequence[Connection]:
        return [kept.entity for kept in self.kept.values() if isinstance(kept.entity, Connection)]


def _pages(several: Sequence[Connection | Gravestone]) -> list[list[Waiting]]:
    everybody = [Waiting(one.owner.account_id, one.id) for one in several]
    return [everybody[first : first + PAGE] for first in range(0, len(everybody), PAGE)]


class FakeAppleIds:
    """Apple IDs turned round; `forgetful` knows none."""

    def __init__(self, *, forgetful: bool = False) -> None:
        self.forgetful = forgetful

    def seal(self, apple_id: str, connection_id: str) -> bytes | None:
        return None if self.forgetful else f"{connection_id} {apple_id}"[::-1].encode()

    def open(self, sealed: bytes, connection_id: str) -> str | None:
        whose, _, apple_id = sealed.decode(errors="replace")[::-1].partition(" ")
        return apple_id if whose == connection_id and not self.forgetful else None


@dataclass
class FakeWorkers:
    """Remembers what it was asked for; `away` lets it fail."""

    asked: list[Request] = field(default_factory=list)
    away: bool = False

    async def ask(self, request: Request) -> None:
        if self.away:
            raise NobodyToAsk
        self.asked.append(request)


@dataclass
class FakeApple:
    """iCloud with the accounts that it was given; `fails_with` lets it fail whoever asks."""

    accounts: dict[AppleCredential, tuple[str, tuple[Calendar, ...]]] = field(default_factory=dict)
    fails_with: ICloudError | None = None
    asked: int = 0

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        self.asked += 1
        if self.fails_with:
            raise self.fails_with
        if credential not in self.accounts:
            raise CredentialsRejected
        principal, calendars = self.accounts[credential]
        own = tuple(replace(one, id=f"{connection_id}/{one.id}") for one in calendars)
        return Proven(principal, sha256(principal.encode()).hexdigest(), own)


@dataclass
class FakeAttempts:
    """Counts in memory, by a clock that stands still unless it is moved.

    `fails_with` lets it fail, `loses` lose its answer about a scope once it has counted.
    """

    now: datetime = NOW
    counted: dict[Subject, dict[datetime, int]] = field(default_factory=dict)
    open: dict[str, tuple[Subject, datetime]] = field(default_factory=dict)
    fails_with: Exception | None = None
    loses: Scope | None = None

    async def begin(self, attempt: Attempt, limit: Limit) -> Tally:
        if self.fails_with:
            raise self.fails_with
        subject = attempt.subject
        began = self.now - (self.now - datetime.min.replace(tzinfo=UTC)) % limit.slice
        known = self.counted.get(subject, {})
        young = {at: number for at, number in known.items() if at > self.now - limit.slice - limit.within}
        self.counted[subject] = young | {began: young.get(began, 0) + 1}
        self.open[attempt.token] = (subject, began)
        if subject.scope is self.loses:
            raise ConnectionError("the answer is lost")
        slices = tuple(sorted((at, number) for at, number in self.counted[subject].items() if number))
        mine = [one for one, _ in self.open.values() if one == subject]
        return Tally(self.now, slices, len(mine))

    async def end(self, attempt: Attempt, *, counts: bool) -> None:
        subject, began = self.open.pop(attempt.token, (attempt.subject, None))
        if began is not None and not counts:
            self.counted[subject][began] -= 1

    def total(self, scope: Scope) -> int:
        """Everything that is counted in a scope."""
        return sum(sum(slices.values()) for subject, slices in self.counted.items() if subject.scope is scope)


@dataclass
class FakeAnnouncer:
    """Remembers what was told.

    While `away` it takes nothing, of those in `lost` nothing either, and of those in `refused` never anything.
    """

    told: list[Announcement] = field(default_factory=list)
    forgotten: list[Announcement] = field(default_factory=list)
    away: bool = False
    lost: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    tries: int = 0

    def lane(self, connection_id: str) -> int:
        """One for all who are lost, one for all others."""
        return 1 if connection_id in self.lost else 0

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        self._check(announcements)
        self.told += announcements

    async def forget(self, ends: Sequence[Announcement]) -> None:
        self._check(ends)
        self.forgotten += ends

    def _check(self, announcements: Sequence[Announcement]) -> None:
        self.tries += 1
        if self.away or any(one.connection_id in self.lost for one in announcements):
            raise Unpublished
        if any(one.connection_id in self.refused for one in announcements):
            raise Unpublishable
