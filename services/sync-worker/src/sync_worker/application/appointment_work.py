"""What one appointment calls for, done in the linked calendar."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icloud import CalendarGone, CredentialsRejected, Forbidden, NotUnderstood, PreconditionFailed, TryLater
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.export_news import changed_in_icloud, export_failed, exported
from sync_worker.application.jobs import Jobs
from sync_worker.application.linked_calendar import LinkedCalendar
from sync_worker.application.take_away import ROUNDS, taken_away, tidied
from sync_worker.application.tell import Tell
from sync_worker.domain.appointment_text import Issue, Manner, text_of
from sync_worker.domain.appointments import uid_in, uid_of
from sync_worker.domain.exports import Copy, Do, Failure, Job, Verdict, change_of, judged, planned
from sync_worker.domain.found import Found

LAG: Final = timedelta(seconds=30)
"""So long after a write iCloud may still show what was there before: nothing, or an older version of ours."""
_TIDY_AGAIN_IN: Final = timedelta(hours=1)

_log = get_logger("sync_worker.appointment_work")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass exports by; `as_of` is its moment in epoch seconds."""

    claim: Claim
    calendar: LinkedCalendar
    as_of: int


class Work:
    """The work on one job; `job` is how far it has come, `paused` why nothing more is to be asked for a while."""

    def __init__(self, sight: Sight, job: Job, jobs: Jobs, tell: Tell) -> None:
        self.job = job
        self.paused: TryLater | None = None
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
            case Do.NOTHING if self.job.agreed is None and (self.job.tries or self.job.change):
                # Who was told of a failure, or that the user took it away, is told that nothing of it is there.
                await self._remove()
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
        copy = self.job.copy or Copy(path, f"{path}{uid_of(self.job.appointment_id, path)}.ics")
        if fresh:
            self.job = replace(self.job, copy=copy)
            await self._keep(timedelta(0))
        etag, look = copy.etag, not fresh and copy.etag is None
        for _ in range(ROUNDS):
            if look:
                seen = await self._calendar.find(copy.href)
                if await self._is_dealt_with(seen, copy):
                    return
                etag = seen.etag if seen else None
            try:
                told = await self._put(copy.href, etag, first=fresh and not look)
            except PreconditionFailed as failed:
                if failed.reason == Failure.UID_CONFLICT and not await self._room_was_made(copy.href):
                    raise
                look = True
            else:
                metrics.EXPORTED.labels("updated" if etag else "created").inc()
                await self._done(told or await self._etag(copy.href), written=True)
                return
        raise TryLater(None, "unsettled")

    async def _put(self, href: str, etag: str | None, *, first: bool) -> str | None:
        """Write it. A refusal says that nothing is there only of the `first` write: an earlier one may have arrived."""
        try:
            return await self._calendar.put(href, self._text(uid_in(href)), if_match=etag)
        except (CalendarGone, CredentialsRejected, Forbidden, NotUnderstood) as refused:
            if first and (not isinstance(refused, NotUnderstood) or refused.reason == "object_refused"):
                self.job = replace(self.job, copy=None)
            raise

    async def _room_was_made(self, href: str) -> bool:
        """Take away what bears the UID in another calendar: the user moved it there, and CrocoClick's word is newer."""
        found = await self._calendar.elsewhere(href)
        if found is None:
            return False
        there, seen = found
        await self._calendar.delete(there, if_match=seen.etag)
        return True

    async def _is_dealt_with(self, seen: Found | None, copy: Copy) -> bool:
        """Whether what is there leaves nothing to write now; what there was to do instead is done."""
        verdict = judged(seen, self.job)
        if verdict is Verdict.FOREIGN:
            raise Forbidden("foreign")
        if verdict is Verdict.CHANGED:
            await self._changed(seen)
        elif verdict is Verdict.OURS and self._may_lag():
            await self._look_again()
        elif verdict is Verdict.AS_WANTED and seen and not self._rings_otherwise(copy):
            await self._done(seen.etag)
        else:
            return False
        return True

    def _may_lag(self) -> bool:
        """Whether what is wanted was written just now, so that anything older there is no news."""
        copy = self.job.copy
        written = copy is not None and copy.says is not None and copy.revision >= self.job.revision
        return written and copy is not None and self._sight.as_of - copy.at < LAG.total_seconds()

    async def _look_again(self) -> None:
        self.job = self.unsure()
        await self._keep(LAG)

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
        match judged(seen, self.job):
            case Verdict.AS_WANTED if seen:
                await self._done(seen.etag)
            case Verdict.ABSENT:
                self.job = replace(self.job, copy=None)
                await self._give_up()
            case Verdict.OURS if not self.job.users:
                await self._settle()
            case _:
                await self._changed(seen)

    async def _changed(self, seen: Found | None) -> None:
        """The user changed it: say so, once for each change, and leave it."""
        job, copy = self.job, self.job.copy
        if copy is None:
            raise TypeError("there was nothing to change")
        if seen is None and self._may_lag():
            await self._look_again()
            return
        moved = await self._calendar.elsewhere(copy.href) if seen is None else None
        if moved is not None:
            href, seen = moved
            copy = replace(copy, path=href.rpartition("/")[0] + "/", href=href)
        change = change_of(seen, job)
        if change != job.change:
            metrics.EXPORTS_CHANGED.labels(change.kind.value).inc()
            _log.info("export_changed_in_icloud", appointment_id=job.appointment_id, change=change.kind.value)
            self._claim.lease.check()
            await self._tell.say(changed_in_icloud(self._claim, job, change))
        copy_now = replace(copy, etag=seen.etag) if seen else None
        self.job = replace(job, copy=copy_now, change=change, tries=0)
        await self._settle()

    async def _remove(self) -> None:
        """It was cancelled: take all of it away, whatever the user made of it."""
        job = self.job
        stay = [one for one in (job.copy, *job.left) if one and not await taken_away(self._calendar, one)]
        if not stay:
            await self._say_exported()
            job = replace(job, change=None, tries=0)
        left = tuple(one for one in stay if one is not job.copy)
        self.job = replace(job, copy=job.copy if job.copy in stay else None, left=left)
        await self._keep(_TIDY_AGAIN_IN if stay else None)

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
        left, self.paused = ((), None) if over else await tidied(self._calendar, job)
        self.job = replace(job, left=left)
        await self._keep(_TIDY_AGAIN_IN if left else None)

    async def _keep(self, due_in: timedelta | None) -> None:
        due_at = None if due_in is None else self._claim.claimed_at + due_in
        await self._jobs.keep(self._claim, self.job, due_at)
