"""The worker's store in memory; holds to the same contract tests as the one in MongoDB."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from contracts.events import CalendarDisconnected, RequestReason
from icloud import KeptHome
from sync_worker.application.claim import Claim, LastSaid, Lease, LeaseLost, State, Trail
from sync_worker.application.endings import Completed, Ending, Postponed, Stopped
from sync_worker.application.leases import IDLE, MANY, Busy
from sync_worker.application.tell_calendars import told_of
from sync_worker.application.track_connection import NOT_TOLD, Standing
from sync_worker.domain import outbox
from sync_worker.domain.cadence import Activity
from sync_worker.domain.fairness import Due, fair
from sync_worker.domain.holds import Wish, means
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.tracked import Tracked
from sync_worker.domain.waves import LATELY, Refused

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
    urgent: bool = False
    committed: int = 0
    last_said: LastSaid | None = None

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
        row.urgent = True
        if row.stopped:
            row.due_at = NEVER
        elif reconnected or not row.claim.rejections:
            row.due_at = row.soon()
        row.claim = replace(
            row.claim,
            account_id=standing.account_id,
            user_id=standing.user_id,
            epoch=standing.epoch,
            time_zone=standing.time_zone,
            titles=standing.setup.titles,
            conflict_calendars=frozenset(one.id for one in standing.setup.conflict_calendars),
            setup_revision=standing.revision,
            home_told=told_of(standing.calendars),
            exports=replace(
                row.claim.exports,
                access=standing.access,
                linked_calendar_id=standing.setup.linked_calendar_id,
                alarm_minutes=standing.setup.alarm_minutes,
                due_at=_now(),
            ),
            wakes=row.claim.wakes + 1,
            activity=replace(row.claim.activity, asked_at=_now()),
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
        row.revision, row.due_at, row.urgent = revision, _now(), True
        row.claim = replace(
            row.claim, epoch=epoch, setup_revision=revision, state=State.ERASING, wakes=row.claim.wakes + 1
        )
        return True

    async def wish(
        self, connection_id: str, wishes: Mapping[str, Wish], said_at: int, *, seen: Mapping[str, int] = NOT_TOLD
    ) -> Collection[str]:
        row = self._rows.get(connection_id)
        if row is None or row.claim.state is not State.ACTIVE:
            return ()
        holds = {one: tracked.hold for one, tracked in row.claim.calendars.items() if tracked.hold}
        meant = {one for one, held in holds.items() if means(held.since, said_at, seen.get(one))}
        counting = {one: wish for one, wish in wishes.items() if wish is Wish.KEEP or one in meant}
        row.claim = replace(row.claim, wishes={**row.claim.wishes, **counting})
        return wishes.keys() - counting.keys()

    async def wake(self, connection_id: str, reason: RequestReason = RequestReason.OPS) -> bool:
        row = self._rows.get(connection_id)
        if row is None or row.claim.state is not State.ACTIVE or row.claim.rejections:
            return False
        row.due_at, row.urgent = row.soon(), True
        asked = {RequestReason.USER: "asked_at", RequestReason.BOOKING: "booked_at"}.get(reason)
        activity = replace(row.claim.activity, **{asked: _now()}) if asked else row.claim.activity
        row.claim = replace(row.claim, wakes=row.claim.wakes + 1, activity=activity)
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

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        new = [row for row in self._rows.values() if _first_import(row)]
        first = self._taken(new, min(limit, imports), busy)
        others = [row for row in self._rows.values() if not _first_import(row)]
        return first + self._taken(others, limit - len(first), busy)

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        urgent = [row for row in self._rows.values() if row.urgent and not _first_import(row)]
        return self._taken(urgent, limit, busy)

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

    def _taken(self, among: Sequence[Connection], limit: int, busy: Busy) -> list[Claim]:
        token = f"{random.getrandbits(64):x}"
        due = sorted(
            (row for row in among if row.due_at <= _now() and not self._leased(row)), key=lambda row: row.due_at
        )
        chosen = fair([Due(row.claim.connection_id, row.claim.account_id) for row in due], limit, busy)
        return [self._lease(self._rows[one], token) for one in chosen]

    def _lease(self, row: Connection, token: str) -> Claim:
        row.leased_until = _now() + self._length
        until = asyncio.get_running_loop().time() + self._length.total_seconds()
        row.claim = replace(
            row.claim,
            fence=row.claim.fence + 1,
            claimed_at=_now(),
            lease=Lease(token, until),
            trail=Trail(row.last_said),
        )
        return row.claim

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

    async def heard(self, claim: Claim, wishes: Mapping[str, Wish]) -> None:
        row = self._rows.held(claim)
        left = {one: wish for one, wish in row.claim.wishes.items() if wishes.get(one) is not wish}
        row.claim = replace(row.claim, wishes=left)

    async def told(self, claim: Claim, told: HomeTold) -> None:
        row = self._rows.held(claim)
        row.claim = replace(row.claim, home_told=told)

    async def end(self, claim: Claim, ending: Ending) -> None:
        row = self._rows.held(claim)
        if row.committed >= claim.fence:
            raise LeaseLost
        row.committed = claim.fence
        woken = row.claim.wakes != claim.wakes
        row.urgent = row.urgent and woken
        match ending:
            case Completed(as_of=as_of, again_in=again_in, home=home, changed=changed, outlook=outlook):
                row.due_at = _now() if woken else _now() + again_in
                row.throttled_until = None
                row.last_said = None if claim.trail.last == claim.trail.before else row.last_said
                activity = replace(row.claim.activity, changed_at=_now()) if changed else row.claim.activity
                exports = row.claim.exports
                if outlook:
                    exports = replace(exports, reviewed=outlook.reviewed)
                if outlook and not woken:
                    activity = replace(activity, next_appointment_at=outlook.next_appointment_at)
                    exports = replace(exports, due_at=outlook.due_at)
                row.claim = replace(
                    row.claim,
                    as_of=as_of,
                    home=row.claim.home if home is None else KeptHome(claim.connection_id, home),
                    passes=row.claim.passes + 1,
                    unpublished=False,
                    failures=0,
                    rejections=None,
                    activity=activity,
                    exports=exports,
                    showed=claim.trail.shows or row.claim.showed,
                )
            case Postponed(again_in=again_in, failures=failures, asked=asked, rejections=rejections):
                row.due_at = _now() if woken else _now() + again_in
                if rejections:
                    self._count(row, claim, rejections, _now() + again_in)
                if asked:
                    row.throttled_until = _now() + asked
                    row.due_at = _now() if row.claim.state is State.ERASING else _now() + max(asked, again_in)
                row.claim = replace(
                    row.claim, failures=failures, rejections=row.claim.rejections if rejections else None
                )
            case Stopped(rejections=rejections):
                row.stopped = row.claim.epoch == claim.epoch
                self._count(row, claim, rejections, NEVER)
        _free(row)

    async def bury(self, claim: Claim) -> None:
        row = self._rows.held(claim)
        if row.claim.state is not State.ERASING:
            raise LeaseLost
        gravestone = replace(_unknown(claim.connection_id), epoch=claim.epoch, state=State.GONE)
        self._rows.connections[claim.connection_id] = Connection(gravestone, revision=0, due_at=NEVER)

    def _count(self, row: Connection, claim: Claim, rejections: Rejections, due_at: datetime) -> None:
        goes_on = row.claim.epoch == claim.epoch
        row.due_at = due_at if goes_on and row.claim.state is not State.ERASING else _now()
        if goes_on:
            row.claim = replace(row.claim, rejections=rejections)


class FakeRefusals:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows.connections

    async def lately(self) -> Refused:
        since = _now() - LATELY
        refused = [row.claim.rejections for row in self._rows.values() if row.claim.rejections]
        looked_at = [row for row in self._rows.values() if row.due_at < NEVER]
        return Refused(sum(one.last >= since for one in refused), of=len(looked_at))


def _first_import(row: Connection) -> bool:
    return row.claim.as_of is None and row.claim.state is State.ACTIVE


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
        setup_revision=0,
        home=KeptHome(connection_id),
        calendars={},
        home_told=HomeTold(),
        wishes={},
        as_of=None,
        passes=0,
        failures=0,
        rejections=None,
        unpublished=False,
        wakes=0,
        fence=0,
        claimed_at=_now(),
        activity=Activity(),
        lease=Lease("", 0),
    )
