"""Stand-ins that run the same contract tests as what they stand in for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from connector.application.connect import Proven
from connector.application.disconnect import Disconnection, End
from connector.application.publish import Unpublished
from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection
from connector.domain.calendars import Calendar
from connector.domain.connection import Announcement, Connection, Gravestone, Owner, Reading, State
from connector.domain.sync import Importing, Read, Refused, Report
from icloud import AppleCredential, CredentialsRejected, ICloudError
from icloud.credentials import SealedCredential


@dataclass
class Kept:
    """A connection or what stays of it, with its outbox."""

    entity: Connection | Gravestone
    pending: list[Announcement]
    published: int = 0
    told: int = 0
    forget_at: datetime | None = None


class FakeConnections:
    """Connections, claims, secrets and outbox in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.claims: dict[str, tuple[str, set[str]]] = {}
        self.secrets: dict[str, SealedCredential] = {}

    async def of(self, owner: Owner) -> Connection | None:
        return next((c for c in self._living() if c.owner == owner), None)

    async def named(self, connection_id: str, account_id: str) -> Connection | None:
        return next((c for c in self._living() if (c.id, c.owner.account_id) == (connection_id, account_id)), None)

    async def with_epoch(self, connection_id: str, epoch: int) -> Connection | None:
        return next((c for c in self._living() if (c.id, c.epoch) == (connection_id, epoch)), None)

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
            if report.of.revision > kept.told:
                kept.told = report.of.revision
                kept.entity = _after(kept.entity, report)

    async def replace(self, old: Connection, new: Connection) -> bool:
        kept = self.kept.get(old.id)
        if kept is None or isinstance(kept.entity, Gravestone):
            return False
        now = kept.entity
        if (now.revision, now.calendars_told) != (old.revision, old.calendars_told):
            return False
        kept.entity = replace(new, state=now.state, reading=now.reading)
        if new.revision > old.revision:
            kept.pending.append(new.announcement())
        return True

    async def waiting(self, limit: int) -> Sequence[Sequence[Announcement]]:
        return [tuple(kept.pending) for kept in self.kept.values() if kept.pending][:limit]

    async def mark(self, told: Announcement) -> Announcement | None:
        kept = self.kept[told.connection_id]
        if kept.published < told.revision:
            kept.published = told.revision
            kept.pending = [one for one in kept.pending if one.revision > told.revision]
            return None
        return kept.entity.announcement() if kept.published > told.revision else None

    async def forgettable(self, now: datetime, limit: int) -> Sequence[Announcement]:
        due = (kept for kept in self.kept.values() if kept.forget_at and kept.forget_at <= now and not kept.pending)
        return [kept.entity.announcement() for kept in due][:limit]

    async def mark_forgotten(self, end: Announcement) -> None:
        self.kept[end.connection_id].forget_at = None

    def _living(self) -> Sequence[Connection]:
        return [kept.entity for kept in self.kept.values() if isinstance(kept.entity, Connection)]


def _after(connection: Connection, report: Report) -> Connection:
    match report:
        case Read(as_of=as_of):
            return replace(connection, state=State.CONNECTED, reading=Reading(as_of))
        case Importing(progress=progress):
            return replace(connection, reading=replace(connection.reading, progress=progress))
        case Refused():
            reading = replace(connection.reading, progress=None)
            return replace(connection, state=State.NEEDS_RECONNECT, reading=reading)


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
class FakeAnnouncer:
    """Remembers what was told; `away` lets it fail."""

    told: list[Announcement] = field(default_factory=list)
    forgotten: list[Announcement] = field(default_factory=list)
    away: bool = False

    async def announce(self, announcements: Sequence[Announcement]) -> None:
        if self.away:
            raise Unpublished
        self.told += announcements

    async def forget(self, ends: Sequence[Announcement]) -> None:
        if self.away:
            raise Unpublished
        self.forgotten += ends
