"""One appointment on its way to the linked calendar."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from icloud import (
    CalendarGone,
    CredentialsRejected,
    Forbidden,
    HeldBack,
    ICloudError,
    NotUnderstood,
    PreconditionFailed,
    TryLater,
)
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.appointment_progress import Progress, Sight
from sync_worker.application.appointment_work import Work
from sync_worker.application.claim import Claim
from sync_worker.application.export_news import export_failed
from sync_worker.application.jobs import Jobs
from sync_worker.application.linked_calendar import WritesRefused
from sync_worker.application.tell import Tell
from sync_worker.domain.exports import Failure, Job, back_off

_OF_ONE: Final = (CalendarGone, Forbidden, PreconditionFailed, NotUnderstood)

_log = get_logger("sync_worker.export_appointment")


class ExportAppointment:
    """Brings iCloud in step with one appointment, and says so once Kafka can be told the truth.

    Every write has a precondition, and what may have been written is noted before it is: after a crash or a time-out
    anywhere the next try finds out by reading, and the object is there once. What the user changed on the Apple side
    is told and left alone until CrocoClick says something new.
    """

    def __init__(self, jobs: Jobs, tell: Tell) -> None:
        self._jobs = jobs
        self._tell = tell

    async def __call__(self, sight: Sight, job: Job) -> Failure | None:
        """Do what it calls for; a failure is told and will be tried again. Returns what every other would meet, too.

        Raises LeaseLost, HeldBack, TryLater where Apple asked for a pause, and WritesRefused where the user does not
        allow any more what the pass began with.
        """
        progress = Progress(sight, job, self._jobs, self._tell)
        try:
            await Work(sight, progress).do()
        except _OF_ONE as error:
            failure = await self.fail(sight.claim, progress.job, _failure(error))
            return failure if failure.of_calendar and not _is_of_another(failure, job) else None
        except CredentialsRejected:
            # The same pass was let in to look: it is writing that is refused. If it is the password, looking tells.
            return await self.fail(sight.claim, progress.job, Failure.REFUSED)
        except WritesRefused:
            # What was on its way when they said so is noted, or nobody would know that it is there.
            await progress.keep(timedelta(0))
            raise
        except HeldBack:
            raise
        except TryLater as later:
            await self.fail(sight.claim, progress.unsure(), Failure.ICLOUD_UNAVAILABLE, later.after)
            if later.after is not None:
                raise
            return Failure.ICLOUD_UNAVAILABLE
        if progress.paused:
            raise progress.paused
        return None

    async def fail(self, claim: Claim, job: Job, failure: Failure, asked: timedelta | None = None) -> Failure:
        """Say why it is not there, and try it again later, not before what was `asked` for."""
        failed = replace(job, tries=job.tries + 1)
        wait = max(back_off(job.appointment_id, failed.tries), asked or timedelta(0))
        again_at = claim.claimed_at + wait
        metrics.EXPORTS_FAILED.labels(failure.value).inc()
        _log.warning("export_failed", appointment_id=job.appointment_id, reason=failure.value, tries=failed.tries)
        claim.lease.check()
        await self._tell.say(export_failed(claim, job, failure, again_at))
        await self._jobs.keep(claim, failed, again_at)
        return failure


def _is_of_another(failure: Failure, job: Job) -> bool:
    """Whether it may be about another calendar than the linked one: what was cancelled is taken away in any."""
    return failure is Failure.CALENDAR_GONE and job.agreed is None


def _failure(error: ICloudError) -> Failure:
    match error:
        case CalendarGone():
            return Failure.CALENDAR_GONE
        case Forbidden(reason="storage_full"):
            return Failure.QUOTA
        case PreconditionFailed(reason="uid_conflict"):
            return Failure.UID_CONFLICT
        case NotUnderstood(reason="object_refused") | Forbidden():
            return Failure.REFUSED
        case _:
            return Failure.ICLOUD_NOT_UNDERSTOOD
