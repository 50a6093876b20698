"""The worker's appointments in memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from contracts.facts import Access
from icloud import event_id
from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.application.track_appointments import Wanted
from sync_worker.domain.appointments import name_of
from sync_worker.domain.exports import Job
from sync_worker.domain.ownership import Own
from worker_rows import Connection, Rows


@dataclass
class _Kept:
    wanted: Wanted
    due_at: datetime | None
    job: Job
    connection_id: str = ""


class FakeAppointments:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._kept: dict[str, _Kept] = {}

    async def want(self, wanted: Wanted, now: datetime) -> bool:
        kept = self._kept.get(wanted.appointment_id)
        if kept is not None and kept.wanted.revision > wanted.revision:
            return False
        if kept is None or kept.wanted.revision < wanted.revision:
            fresh = Job(appointment_id=wanted.appointment_id, revision=wanted.revision, agreed=wanted.agreed)
            before = kept.job if kept else fresh
            job = replace(before, revision=wanted.revision, agreed=wanted.agreed, tries=0)
            self._kept[wanted.appointment_id] = _Kept(wanted, _now(), job, kept.connection_id if kept else "")
        self._tell_connections(wanted, int(now.timestamp()))
        return True

    async def due(self, claim: Claim, limit: int) -> Sequence[Job]:
        found = [kept for kept in self._of(claim) if kept.due_at is not None and kept.due_at <= claim.claimed_at]
        found.sort(key=lambda kept: kept.job.agreed.span.start if kept.job.agreed else 0)
        return [_seen(kept, claim) for kept in found][:limit]

    async def reopen(self, claim: Claim, path: str, now: int) -> None:
        for kept in self._of(claim):
            job = _seen(kept, claim)
            as_set_up = job.copy and (job.copy.path, job.copy.alarm_minutes) == (path, claim.exports.alarm_minutes)
            if job.agreed and job.agreed.span.end > now and not as_set_up:
                kept.due_at, kept.job = claim.claimed_at, replace(kept.job, tries=min(kept.job.tries, 1))

    async def copied(self, claim: Claim, event_ids: Collection[str]) -> Sequence[Job]:
        jobs = [_seen(kept, claim) for kept in self._of(claim)]
        return [job for job in jobs if job.copy and event_id(claim.connection_id, job.copy.href) in event_ids]

    async def own(self, claim: Claim) -> Own:
        jobs = [kept.job for kept in self._of(claim)]
        return {name_of(job.appointment_id): job.agreed.span if job.agreed else None for job in jobs}

    async def keep(self, claim: Claim, job: Job, due_at: datetime | None) -> None:
        claim.lease.check()
        row = self._held(claim)
        if due_at is not None:
            earliest = min(due_at, row.claim.exports.due_at or due_at)
            row.claim = replace(row.claim, exports=replace(row.claim.exports, due_at=earliest))
        kept = self._kept[job.appointment_id]
        kept.connection_id = claim.connection_id
        as_wanted = kept.job.revision == job.revision
        kept.due_at = due_at if as_wanted else kept.due_at
        tries = job.tries if as_wanted else kept.job.tries
        kept.job = replace(kept.job, copy=job.copy, left=job.left, change=job.change, tries=tries)

    async def allowed(self, claim: Claim) -> bool:
        said = self._held(claim).claim.exports
        linked = said.linked_calendar_id
        return said.access is Access.FULL and linked is not None and linked == claim.exports.linked_calendar_id

    async def ahead(self, claim: Claim, now: int) -> tuple[datetime | None, int | None]:
        due = [kept.due_at for kept in self._of(claim) if kept.due_at is not None]
        starts = self._starts((claim.account_id, claim.user_id), now)
        return min(due, default=None), min(starts, default=None)

    async def forget(self, claim: Claim) -> None:
        for kept in self._of(claim):
            if kept.connection_id == claim.connection_id:
                kept.job = replace(kept.job, copy=None, left=(), change=None, tries=0)
                kept.connection_id, kept.due_at = "", _now()

    def _held(self, claim: Claim) -> Connection:
        row = self._rows.held(claim)
        if row.claim.state is not State.ACTIVE or row.claim.epoch != claim.epoch:
            raise LeaseLost
        return row

    def _tell_connections(self, wanted: Wanted, now: int) -> None:
        begins = min(self._starts((wanted.account_id, wanted.user_id), now), default=None)
        for row in self._rows.connections.values():
            claim = row.claim
            if (claim.account_id, claim.user_id) != (wanted.account_id, wanted.user_id):
                continue
            if claim.state is not State.ACTIVE:
                continue
            ahead = None if begins is None else datetime.fromtimestamp(begins, UTC)
            due_at = min(claim.exports.due_at or _now(), _now())
            door = claim.exports.access is Access.FULL and claim.exports.linked_calendar_id is not None
            row.claim = replace(
                claim,
                activity=replace(claim.activity, next_appointment_at=ahead),
                exports=replace(claim.exports, due_at=due_at),
                wakes=claim.wakes + 1,
            )
            if door and claim.rejections is None:
                row.due_at, row.urgent = row.soon(), True

    def _starts(self, whose: tuple[str, str], now: int) -> list[int]:
        theirs = [kept for kept in self._kept.values() if (kept.wanted.account_id, kept.wanted.user_id) == whose]
        starts = [kept.job.agreed.span.start for kept in theirs if kept.job.agreed]
        return [start for start in starts if start > now]

    def _of(self, claim: Claim) -> Iterator[_Kept]:
        for kept in self._kept.values():
            if (kept.wanted.account_id, kept.wanted.user_id) == (claim.account_id, claim.user_id):
                yield kept


def _seen(kept: _Kept, claim: Claim) -> Job:
    if kept.connection_id == claim.connection_id:
        return kept.job
    return replace(kept.job, copy=None, left=(), change=None)


def _now() -> datetime:
    # A moment ago: what is done in the same microsecond comes after it.
    return datetime.now(UTC) - timedelta(microseconds=1)
