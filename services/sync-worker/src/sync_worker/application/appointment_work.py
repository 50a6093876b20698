"""What one appointment calls for, done in the linked calendar."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from icloud import CalendarGone, Forbidden, HeldBack, NotUnderstood, PreconditionFailed, TryLater
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.export_news import changed_in_icloud, export_failed, exported
from sync_worker.application.linked_calendar import LinkedCalendar
from sync_worker.application.tell import Tell
from sync_worker.domain.appointment_text import Issue, Manner, text_of
from sync_worker.domain.appointments import uid_of
from sync_worker.domain.exports import Copy, Do, Failure, Job, Verdict, change_of, judged, planned, untouched
from sync_worker.domain.found import Found

LAG: Final = timedelta(minutes=2)
"""So long after a write iCloud may still show what was there before: nobody is said to have changed anything."""
_ROUNDS: Final = 3
"""Of write, refusal, look: somebody who changes an object more often than that within seconds is waited for."""
_TIDY_AGAIN_IN: Final = timedelta(hours=1)

_log = get_logger("sync_worker.appointment_work")


class Jobs(Protocol):
    """The user's appointments, each with how far it has come. Of another connection's copies nothing is known."""

    async def due(self, claim: Claim, limit: int) -> Sequence[Job]:
        """Those to be tried by the time of the claim; cancelled ones first, then by their start."""

    async def reopen(self, claim: Claim, path: str, now: int) -> None:
        """Make those due, afresh, that lie ahead and are not in the calendar at `path`, or not as the setup says."""

    async def copied(self, claim: Claim, event_ids: Collection[str]) -> Sequence[Job]:
        """Those whose copies are these calendar objects."""

    async def keep(self, claim: Claim, job: Job, due_at: datetime | None) -> None:
        """Note how far it has come. One that is wanted otherwise by now stays due. Raises LeaseLost, and then nothing
        was noted.
        """

    async def ahead(self, claim: Claim, now: int) -> tuple[datetime | None, int | None]:
        """When the first of them is due, and when the next one begins."""

    async def forget(self, claim: Claim) -> None:
        """Nothing is known any more of what the connection wrote; what is wanted stays wanted."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass exports by; `as_of` is its moment in epoch seconds."""

    claim: Claim
    calendar: LinkedCalendar
    as_of: int


class Work:
    """The work on one job; `job` is how far it has come."""

    def __init__(self, sight: Sight, job: Job, jobs: Jobs, tell: Tell) -> None:
        self.job = job
        self._sight = sight
        self._claim = sight.claim
        self._calendar = sight.calendar
        self._alarm = sight.claim.exports.alarm_minutes
        self._jobs = jobs
        self._tell = tell

    async def do(self) -> None:
        """Do what the job calls for. Raises what the calendar raises; `job` is then what is to be kept."""
        self.job, do = planned(self.job, self._calendar.path, self._alarm, self._sight.as_of)
        match do:
            case Do.NOTHING:
                await self._settle()
            case Do.REMOVE:
                await self._remove()
            case Do.WRITE:
                await self._write()
            case Do.LOOK:
                await self._look()
            case Do.GIVE_UP:
                await self._give_up()

    def unsure(self) -> Job:
        """The job after a request whose outcome is not known."""
        copy = self.job.copy
        return replace(self.job, copy=replace(copy, etag=None)) if copy else self.job

    async def _write(self) -> None:
        path, fresh = self._calendar.path, self.job.copy is None
        uid = uid_of(self.job.appointment_id, path)
        copy = self.job.copy or Copy(path, f"{path}{uid}.ics")
        if fresh:
            self.job = replace(self.job, copy=copy)
            await self._keep(timedelta(0))
        etag, look = copy.etag, not fresh and copy.etag is None
        for _ in range(_ROUNDS):
            if look:
                seen = await self._calendar.find(copy.href)
                verdict = judged(seen, self.job, uid)
                if verdict is Verdict.FOREIGN:
                    raise Forbidden("foreign")
                if verdict is Verdict.CHANGED:
                    return await self._changed(seen)
                etag = seen.etag if seen else None
                if verdict is Verdict.AS_WANTED and not self._rings_otherwise(copy):
                    return await self._done(etag)
            try:
                told = await self._calendar.put(copy.href, self._text(uid), if_match=etag)
            except PreconditionFailed as failed:
                if failed.reason == Failure.UID_CONFLICT:
                    raise
                look = True
            else:
                metrics.EXPORTED.labels("updated" if etag else "created").inc()
                return await self._done(told or await self._etag(copy.href), written=True)
        raise TryLater(None, "unsettled")

    def _rings_otherwise(self, copy: Copy) -> bool:
        return copy.says is not None and copy.alarm_minutes != self._alarm

    def _text(self, uid: str) -> str:
        job, claim = self.job, self._claim
        if job.agreed is None:
            raise TypeError("nothing is agreed on")
        # The moment goes with the text, not into its fingerprint: writing again says nothing new.
        issue = Issue(job.appointment_id, uid, job.revision, datetime.fromtimestamp(self._sight.as_of, UTC))
        return text_of(issue, job.agreed, Manner(ZoneInfo(claim.time_zone), self._alarm))

    async def _etag(self, href: str) -> str | None:
        """What the server did not tell of what was just written; None where it is not sure that it is that."""
        seen = await self._calendar.find(href)
        return seen.etag if seen and self.job.agreed and seen.says == self.job.agreed.fingerprint else None

    async def _done(self, etag: str | None, *, written: bool = False) -> None:
        """The linked calendar shows it."""
        job, before = self.job, self.job.copy
        if job.agreed is None or before is None:
            raise TypeError("nothing was written")
        news = written or before.revision != job.revision or job.tries or job.change
        copy = replace(
            before,
            etag=etag,
            says=job.agreed.fingerprint,
            alarm_minutes=self._alarm,
            revision=job.revision,
            at=self._sight.as_of if written or not before.at else before.at,
        )
        if news:
            await self._say_exported()
        self.job = replace(job, copy=copy, change=None, tries=0)
        await self._settle()

    async def _say_exported(self) -> None:
        self._claim.lease.check()
        _log.info("appointment_exported", appointment_id=self.job.appointment_id, revision=self.job.revision)
        await self._tell.say(exported(self._claim, self.job, self._calendar.id, self._sight.as_of))

    async def _look(self) -> None:
        copy = self.job.copy
        if copy is None:
            return
        seen = await self._calendar.find(copy.href)
        if seen and judged(seen, self.job, uid_of(self.job.appointment_id, copy.path)) is Verdict.AS_WANTED:
            await self._done(seen.etag)
        else:
            await self._changed(seen)

    async def _changed(self, seen: Found | None) -> None:
        """The user changed it: say so, once for each change, and leave it."""
        job, copy = self.job, self.job.copy
        if copy is None:
            raise TypeError("there was nothing to change")
        if copy.says is not None and self._sight.as_of - copy.at < LAG.total_seconds():
            self.job = self.unsure()
            return await self._keep(LAG)
        change = change_of(seen, job)
        if change != job.change:
            metrics.EXPORTS_CHANGED.labels(change.kind.value).inc()
            _log.info("export_changed_in_icloud", appointment_id=job.appointment_id, change=change.kind.value)
            self._claim.lease.check()
            await self._tell.say(changed_in_icloud(self._claim, job, change))
        copy_now = replace(copy, etag=seen.etag) if seen else None
        self.job = replace(job, copy=copy_now, change=change, tries=0)
        return await self._settle()

    async def _remove(self) -> None:
        """It was cancelled: take all of it away, whatever the user made of it."""
        job = self.job
        for copy in filter(None, (job.copy, *job.left)):
            await self._delete(copy)
        metrics.EXPORTED.labels("deleted").inc()
        await self._say_exported()
        self.job = replace(job, copy=None, left=(), change=None, tries=0)
        await self._settle()

    async def _delete(self, copy: Copy) -> None:
        if not self._calendar.may_delete_in(copy.path):
            raise CalendarGone
        etag = copy.etag
        for _ in range(_ROUNDS):
            if etag is None:
                seen = await self._calendar.find(copy.href)
                if seen is None or seen.uid != uid_of(self.job.appointment_id, copy.path):
                    return
                etag = seen.etag
            try:
                return await self._calendar.delete(copy.href, if_match=etag)
            except PreconditionFailed:
                etag = None
        raise TryLater(None, "unsettled")

    async def _give_up(self) -> None:
        """It is over, and never came into the calendar: only who was told that it would is told that it will not."""
        if self.job.tries:
            metrics.EXPORTS_FAILED.labels(Failure.PASSED.value).inc()
            self._claim.lease.check()
            await self._tell.say(export_failed(self._claim, self.job, Failure.PASSED, None))
        await self._settle()

    async def _settle(self) -> None:
        """All is as it should be, but perhaps for copies in calendars that were linked before."""
        job = self.job
        over = job.agreed is not None and job.agreed.span.end <= self._sight.as_of
        left = () if over else tuple([one for one in job.left if not await self._taken_away(one)])
        self.job = replace(job, left=left)
        await self._keep(_TIDY_AGAIN_IN if left else None)

    async def _taken_away(self, copy: Copy) -> bool:
        """Whether nothing is left to do about a copy. What the user changed in it is theirs by now."""
        if not self._calendar.may_delete_in(copy.path):
            return False
        try:
            seen = await self._calendar.find(copy.href)
            if seen and untouched(seen, copy, uid_of(self.job.appointment_id, copy.path)):
                await self._calendar.delete(copy.href, if_match=seen.etag)
                metrics.EXPORTED.labels("moved").inc()
        except PreconditionFailed:
            return False
        except HeldBack:
            raise
        except TryLater:
            return False
        except (CalendarGone, Forbidden, NotUnderstood) as error:
            _log.warning("copy_not_taken_away", appointment_id=self.job.appointment_id, reason=type(error).__name__)
        return True

    async def _keep(self, due_in: timedelta | None) -> None:
        due_at = None if due_in is None else self._claim.claimed_at + due_in
        await self._jobs.keep(self._claim, self.job, due_at)
