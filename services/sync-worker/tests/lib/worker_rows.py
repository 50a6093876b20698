"""The worker's store in memory; holds to the same contract tests as the one in MongoDB."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from contracts.events import CalendarDisconnected
from sync_worker.application.claim import Claim, Lease, LeaseLost, State
from sync_worker.application.endings import Completed, Ending, Postponed, Stopped
from sync_worker.application.track_connection import Standing
from sync_worker.domain import outbox
from sync_worker.domain.passes import Tracked
from sync_worker.domain.rejections import Rejections

NEVER = datetime.max.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Connection:
    claim: Claim
    revision: int
    due_at: datetime = field(default_factory=_now)
    leased_until: datetime | None = None
    throttled_until: datetime | None = None
    stopped: bool = False
    committed: int = 0

    def soon(self) -> datetime:
        return max(_now(), self.throttled_until or _now())


@dataclass
class Kept:
    connection_id: str
    state: outbox.State
    pending: bool = True


class Rows:
    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.objects: dict[str, Kept] = {}

    def held(self, claim: Claim) -> Connection:
        """The claim's connection, or LeaseLost."""
        row = self.connections.get(claim.connection_id)
        if row is None or row.claim.fence != claim.fence or row.claim.lease.token != claim.lease.token:
            raise LeaseLost
        return row


class FakeConnections:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows.connections

    async def follow(self, standing: Standing) -> bool:
        row = self._newer(standing.connection_id, (standing.epoch, standing.revision))
        if row is None:
            return False
        reconnected = standing.epoch > row.claim.epoch
        row.revision = standing.revision
        row.stopped = row.stopped and not reconnected
        row.due_at = NEVER if row.stopped else row.soon()
        row.claim = replace(
            row.claim,
            account_id=standing.account_id,
            user_id=standing.user_id,
            epoch=standing.epoch,
            time_zone=standing.time_zone,
            titles=standing.setup.titles,
            conflict_calendars=frozenset(one.id for one in standing.setup.conflict_calendars),
            wakes=row.claim.wakes + 1,
            failures=0 if reconnected else row.claim.failures,
            rejections=None if reconnected else row.claim.rejections,
        )
        return True

    async def end(self, connection_id: str, *, epoch: int, revision: int, whose: CalendarDisconnected | None) -> bool:
        if whose is None:
            row = self._rows.get(connection_id)
            if row is None or row.claim.state is not State.ACTIVE or row.claim.epoch > epoch:
                return False
        else:
            row = self._newer(connection_id, (epoch, revision))
            if row is None:
                return False
            row.claim = replace(row.claim, account_id=whose.account_id, user_id=whose.user_id)
        row.revision, row.due_at = revision, _now()
        row.claim = replace(row.claim, epoch=epoch, state=State.ERASING, wakes=row.claim.wakes + 1)
        return True

    async def wake(self, connection_id: str) -> bool:
        row = self._rows.get(connection_id)
        if row is None or row.claim.state is not State.ACTIVE or row.claim.rejections:
            return False
        row.due_at = row.soon()
        row.claim = replace(row.claim, wakes=row.claim.wakes + 1)
        return True

    def _newer(self, connection_id: str, version: tuple[int, int]) -> Connection | None:
        row = self._rows.get(connection_id)
        if row is None:
            row = self._rows[connection_id] = Connection(_unknown(connection_id), revision=0)
            return row
        old = row.claim.state is not State.ACTIVE or (row.claim.epoch, row.revision) >= version
        return None if old else row


class FakeLeases:
    def __init__(self, rows: Rows, *, length: timedelta) -> None:
        self._rows = rows.connections
        self._length = length

    async def claim(self, limit: int) -> Sequence[Claim]:
        token = f"{random.getrandbits(64):x}"
        due = [row for row in self._rows.values() if row.due_at <= _now() and not self._leased(row)]
        for row in sorted(due, key=lambda row: row.due_at)[:limit]:
            row.leased_until = _now() + self._length
            until = asyncio.get_running_loop().time() + self._length.total_seconds()
            row.claim = replace(row.claim, fence=row.claim.fence + 1, lease=Lease(token, until))
        return [row.claim for row in due[:limit]]

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        lost = []
        for claim in claims:
            row = self._rows.get(claim.connection_id)
            if row is None or row.claim.lease.token != claim.lease.token or row.leased_until is None:
                lost.append(claim)
                continue
            row.leased_until = _now() + self._length
            claim.lease.extend(asyncio.get_running_loop().time() + self._length.total_seconds())
        return lost

    async def release(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            row = self._rows.get(claim.connection_id)
            if row is not None and row.claim.lease.token == claim.lease.token:
                _free(row)

    def _leased(self, row: Connection) -> bool:
        return row.leased_until is not None and row.leased_until > _now()


class FakePasses:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def remember(self, claim: Claim, calendar_id: str, tracked: Tracked) -> None:
        row = self._rows.held(claim)
        row.claim = replace(row.claim, calendars={**row.claim.calendars, calendar_id: tracked})

    async def forget(self, claim: Claim, calendar_id: str) -> None:
        row = self._rows.held(claim)
        left = {one: tracked for one, tracked in row.claim.calendars.items() if one != calendar_id}
        row.claim = replace(row.claim, calendars=left)

    async def end(self, claim: Claim, ending: Ending) -> None:
        row = self._rows.held(claim)
        if row.committed >= claim.fence:
            raise LeaseLost
        row.committed = claim.fence
        woken = row.claim.wakes != claim.wakes
        match ending:
            case Completed(as_of=as_of, again_in=again_in, home=home):
                row.due_at = _now() if woken else _now() + again_in
                row.throttled_until = None
                row.claim = replace(
                    row.claim,
                    as_of=as_of,
                    home=home,
                    passes=row.claim.passes + 1,
                    unpublished=False,
                    failures=0,
                    rejections=None,
                )
            case Postponed(again_in=again_in, failures=failures, asked=asked, rejections=rejections):
                row.due_at = _now() if woken else _now() + again_in
                if asked:
                    row.throttled_until = _now() + asked
                    row.due_at = _now() if row.claim.state is State.ERASING else _now() + max(asked, again_in)
                row.claim = replace(row.claim, failures=failures)
                self._count(row, claim, rejections)
            case Stopped(rejections=rejections):
                row.due_at = _now() if woken else NEVER
                row.stopped = row.claim.epoch == claim.epoch
                self._count(row, claim, rejections)
        _free(row)

    async def bury(self, claim: Claim) -> None:
        row = self._rows.held(claim)
        if row.claim.state is not State.ERASING:
            raise LeaseLost
        gravestone = replace(_unknown(claim.connection_id), epoch=claim.epoch, state=State.GONE)
        self._rows.connections[claim.connection_id] = Connection(gravestone, revision=0, due_at=NEVER)

    def _count(self, row: Connection, claim: Claim, rejections: Rejections | None) -> None:
        if rejections and row.claim.epoch == claim.epoch:
            row.claim = replace(row.claim, rejections=rejections)


def _free(row: Connection) -> None:
    row.leased_until = None
    row.claim = replace(row.claim, lease=Lease("", 0))


def _unknown(connection_id: str) -> Claim:
    return Claim(
        connection_id=connection_id,
        account_id="",
        user_id="",
        epoch=0,
        state=State.ACTIVE,
        time_zone="UTC",
        titles=False,
        conflict_calendars=frozenset(),
        home=None,
        calendars={},
        as_of=None,
        passes=0,
        failures=0,
        rejections=None,
        unpublished=False,
        wakes=0,
        fence=0,
        lease=Lease("", 0),
    )
