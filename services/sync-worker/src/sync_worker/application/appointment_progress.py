"""How far one appointment has come on its way to iCloud: what is noted of it, and what is told."""

from dataclasses import dataclass, replace
from datetime import timedelta

from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.export_news import changed_in_icloud, export_failed, exported
from sync_worker.application.jobs import Jobs
from sync_worker.application.linked_calendar import LinkedCalendar
from sync_worker.application.take_away import TIDY_AGAIN_IN, Pause, tidied
from sync_worker.application.tell import Tell
from sync_worker.domain.exports import Change, Copy, Failure, Job

_log = get_logger("sync_worker.appointment_progress")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass exports by; `as_of` is its moment in epoch seconds."""

    claim: Claim
    calendar: LinkedCalendar
    as_of: int


class Progress:
    """Of one `job`; `paused` is why nothing more is to be asked after it for a while."""

    def __init__(self, sight: Sight, job: Job, jobs: Jobs, tell: Tell) -> None:
        self.job = job
        self.paused: Pause = None
        self._sight = sight
        self._claim = sight.claim
        self._jobs = jobs
        self._tell = tell

    async def keep(self, due_in: timedelta | None) -> None:
        """Note it; to be seen to again after so long, or not before something happens."""
        due_at = None if due_in is None else self._claim.claimed_at + due_in
        await self._jobs.keep(self._claim, self.job, due_at)

    async def begin(self, copy: Copy) -> None:
        """Note that this copy is about to be created, or nobody would know of it after a crash."""
        self.job = replace(self.job, copy=replace(copy, etag=None, at=self._sight.as_of, arrived=False))
        await self.keep(timedelta(0))

    async def settle(self) -> None:
        """All is as it should be, but perhaps for copies in calendars that were linked before."""
        job, now = self.job, self._sight.as_of
        over = job.agreed is not None and job.agreed.span.end <= now
        left, self.paused = ((), None) if over else await tidied(self._sight.calendar, job, now)
        self.job = replace(job, left=left)
        await self.keep(TIDY_AGAIN_IN if left else None)

    def unsure(self) -> Job:
        """The job after a request whose outcome is not known."""
        copy = self.job.copy
        return replace(self.job, copy=replace(copy, etag=None)) if copy else self.job

    async def say_exported(self, *, as_agreed: bool = True) -> None:
        """Tell that iCloud is in step with it, or but for what the user made of it."""
        self._claim.lease.check()
        _log.info("appointment_exported", appointment_id=self.job.appointment_id, revision=self.job.revision)
        await self._tell.say(
            exported(self._claim, self.job, self._sight.calendar.id, self._sight.as_of, as_agreed=as_agreed)
        )

    async def say_again(self) -> None:
        """The same, where it was told of an older revision, or of a failure since.

        What stands there is what we wrote, or what the user made of it.
        """
        await self.say_exported(as_agreed=self.job.change is None)
        copy = self.job.copy
        noted = replace(copy, revision=self.job.revision) if copy else None
        self.job = replace(self.job, copy=noted, tries=0)

    async def say_changed(self, change: Change) -> None:
        """Tell what the user did to it."""
        metrics.EXPORTS_CHANGED.labels(change.kind.value).inc()
        _log.info("export_changed_in_icloud", appointment_id=self.job.appointment_id, change=change.kind.value)
        self._claim.lease.check()
        await self._tell.say(changed_in_icloud(self._claim, self.job, change))

    async def say_passed(self) -> None:
        """Tell that it is over, and will not come into the calendar any more."""
        metrics.EXPORTS_FAILED.labels(Failure.PASSED.value).inc()
        self._claim.lease.check()
        await self._tell.say(export_failed(self._claim, self.job, Failure.PASSED, None))
