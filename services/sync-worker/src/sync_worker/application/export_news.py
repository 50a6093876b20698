"""What is said about appointments on their way to iCloud."""

from datetime import datetime

from contracts.events import (
    AppointmentExported,
    AppointmentExportFailed,
    ChangeInICloud,
    ExportedEventChangedInICloud,
)
from sync_worker.application.claim import Claim
from sync_worker.application.tell import whose
from sync_worker.domain.exports import Change, ChangeKind, Failure, Job


def exported(claim: Claim, job: Job, calendar_id: str, at: int, *, as_agreed: bool) -> AppointmentExported:
    """The linked calendar shows the appointment; or, of a cancelled one, nothing of it any more."""
    return AppointmentExported(
        **whose(claim, job.revision),
        appointment_id=job.appointment_id,
        calendar_id=calendar_id,
        exported_at=at,
        as_agreed=as_agreed,
    )


def export_failed(claim: Claim, job: Job, failure: Failure, again_at: datetime | None) -> AppointmentExportFailed:
    """It is not as it should be, and when that is tried again."""
    return AppointmentExportFailed(
        **whose(claim, job.revision),
        appointment_id=job.appointment_id,
        reason=failure.value,
        next_try_at=None if again_at is None else int(again_at.timestamp()),
    )


def changed_in_icloud(claim: Claim, job: Job, change: Change) -> ExportedEventChangedInICloud:
    """What the user did to it on the Apple side."""
    moved_to = change.span if change.kind is ChangeKind.MOVED else None
    return ExportedEventChangedInICloud(
        **whose(claim, job.revision),
        appointment_id=job.appointment_id,
        change=ChangeInICloud(change.kind.value),
        span=(moved_to.start, moved_to.end) if moved_to else None,
    )
