"""The part of a pass that writes: the user's appointments into the linked calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from contracts.facts import Access
from icloud import ListedCalendar, event_id
from sync_worker.application.accounts import WritableAccount
from sync_worker.application.appointment_progress import Sight
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Outlook
from sync_worker.application.export_appointment import ExportAppointment
from sync_worker.application.jobs import Jobs
from sync_worker.application.linked_calendar import LinkedCalendar, WritesRefused
from sync_worker.application.own_appointments import FollowAppointments
from sync_worker.application.reading import Reading
from sync_worker.application.tell import Tell
from sync_worker.domain.appointments import is_own
from sync_worker.domain.exports import Failure, Job

AT_ONCE: Final = 25
"""Appointments in one pass, a minute's requests of an account: the next one follows at once, and reading is not kept
waiting by a calendar that is newly linked."""
_MOST_LOOKED_FOR: Final = 1_000


@dataclass(slots=True)
class Exporting:
    """How far a pass has come with the appointments. No `calendar`: nothing may be written in it."""

    calendar: LinkedCalendar | None
    touched: bool = False
    """Whether anything may lie ahead otherwise than the connection says."""
    reviewed: int = 0


class ExportAppointments:
    """Writes what is due, and notices what the user did to what was written.

    A pass that has nothing to export asks nothing, of iCloud or the store.
    """

    def __init__(self, jobs: Jobs, tell: Tell, follow: FollowAppointments) -> None:
        self._jobs = jobs
        self._follow = follow
        self._export = ExportAppointment(jobs, tell)

    async def __call__(
        self, course: Course, account: WritableAccount, listed: Mapping[str, ListedCalendar]
    ) -> Exporting:
        """Export what is due; `listed` are the home's calendars by id. Raises as `ExportAppointment`.

        A first import comes first: a user who connects waits to be protected more than to see.
        """
        claim = course.claim
        work = _is_due(claim)
        if work:
            await self._follow(claim)
        try:
            calendar = LinkedCalendar(account, claim, listed, self._jobs)
        except WritesRefused as refused:
            return await self._refused(claim, refused.failure if work else None, touched=work)
        exporting = Exporting(calendar, touched=work, reviewed=claim.exports.reviewed)
        if work:
            await self._write(Sight(claim, calendar, course.as_of))
            exporting.reviewed = claim.setup_revision
        return exporting

    async def notice(self, course: Course, exporting: Exporting, readings: Sequence[Reading]) -> None:
        """See what became of those of our objects that changed or went, before the pass goes on from there.

        It is noted before anything is asked, so that a pass that dies has not missed it. Where the user lets nothing be
        written, nothing is asked either: it is seen to once they do again.
        """
        claim, calendar = course.claim, exporting.calendar
        if calendar is None and may_write(claim):
            # iCloud lets nothing be written; that is told of what is due, and of nothing else.
            return
        shown = {
            event_id(claim.connection_id, href): etag
            for reading in readings
            for href, etag in reading.fetch.items()
            if is_own(href)
        }
        ids = [*shown, *(one for reading in readings for one in reading.remove)]
        suspects = []
        for start in range(0, len(ids), _MOST_LOOKED_FOR):
            for job in await self._jobs.copied(claim, ids[start : start + _MOST_LOOKED_FOR]):
                copy = job.copy
                if copy is None or (copy.etag and copy.etag == shown.get(event_id(claim.connection_id, copy.href))):
                    continue
                suspect = replace(job, copy=replace(copy, etag=None))
                await self._jobs.keep(claim, suspect, claim.claimed_at)
                suspects.append(suspect)
                exporting.touched = True
        if calendar is not None:
            await self._all(Sight(claim, calendar, course.as_of), suspects)

    async def outlook(self, course: Course, exporting: Exporting) -> Outlook | None:
        """How it stands with the appointments now; None where it stands as before."""
        claim = course.claim
        passed = claim.activity.next_appointment_at
        if not exporting.touched and (passed is None or passed > claim.claimed_at):
            return None
        due_at, begins = await self._jobs.ahead(claim, course.as_of)
        return Outlook(
            due_at if may_write(claim) else None,
            None if begins is None else datetime.fromtimestamp(begins, UTC),
            exporting.reviewed,
        )

    async def unreachable(self, claim: Claim) -> None:
        """Apple could not be asked at all: whoever looks at an appointment that waits is to see why."""
        if not _is_due(claim):
            return
        await self._follow(claim)
        if may_write(claim):
            await self._fail(claim, await self._jobs.due(claim, AT_ONCE), Failure.ICLOUD_UNAVAILABLE)

    async def _refused(self, claim: Claim, failure: Failure | None, *, touched: bool) -> Exporting:
        if failure is None:
            return Exporting(None, touched=touched, reviewed=claim.setup_revision)
        await self._fail(claim, await self._jobs.due(claim, AT_ONCE), failure)
        return Exporting(None, touched=touched, reviewed=claim.exports.reviewed)

    async def _write(self, sight: Sight) -> None:
        claim = sight.claim
        if claim.exports.reviewed != claim.setup_revision:
            await self._jobs.reopen(claim, sight.calendar.path, sight.as_of)
        await self._all(sight, await self._jobs.due(claim, AT_ONCE))

    async def _all(self, sight: Sight, jobs: Sequence[Job]) -> None:
        for n, job in enumerate(jobs):
            try:
                failure = await self._export(sight, job)
            except WritesRefused:
                # What is left is due as before: the next pass goes by what the user says now.
                return None
            if failure is not None:
                # The others would meet the same, and Apple is spared the asking.
                return await self._fail(sight.claim, jobs[n + 1 :], failure)
        return None

    async def _fail(self, claim: Claim, jobs: Sequence[Job], failure: Failure) -> None:
        for job in jobs:
            await self._export.fail(claim, job, failure)


def may_write(claim: Claim) -> bool:
    """Whether the user wants appointments to be written at all."""
    return claim.exports.access is Access.FULL and claim.exports.linked_calendar_id is not None


def _is_due(claim: Claim) -> bool:
    due_at, reviewed = claim.exports.due_at, claim.exports.reviewed
    due = reviewed != claim.setup_revision or (due_at is not None and due_at <= claim.claimed_at)
    return claim.as_of is not None and due
