"""Calendars that are read no more, events that are over, and titles that are to leave the worker no more."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from contracts.events import RemovalReason
from sync_worker.application.claim import Claim, is_with_titles, without_titles
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.publish_states import BATCH, PublishStates, digest
from sync_worker.application.remove_objects import RemoveObjects
from sync_worker.application.tell import Tell, quarantined
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.bases import UNREAD
from sync_worker.domain.holds import Verdict
from sync_worker.domain.outbox import Imported, Refresh, State
from sync_worker.domain.tracked import Tracked, leaving


class Objects(Protocol):
    """The kept objects."""

    async def living(self, claim: Claim, calendar_id: str) -> Sequence[str]:
        """Event ids of one calendar's objects that are not gone."""

    async def passed(self, claim: Claim, before: int, limit: int) -> Sequence[str]:
        """Event ids of objects that could be read and whose last occurrence ended by then (epoch seconds)."""

    async def titled(self, claim: Claim, limit: int) -> Sequence[Imported]:
        """Objects with a title, of all calendars."""

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        """All or nothing; states wait for publication from here on. Raises LeaseLost."""


class LeaveCalendars:
    """Takes back what is no concern of ours any more."""

    def __init__(
        self, objects: Objects, remove: RemoveObjects, publish: PublishStates, passes: Passes, tell: Tell
    ) -> None:
        self._objects = objects
        self._remove = remove
        self._publish = publish
        self._passes = passes
        self._tell = tell
        self._tell_holds = TellHolds(tell)

    async def __call__(self, course: Course, calendar_ids: Sequence[str]) -> None:
        """Leave calendars that the user took out of the setup, and forget where reading them had come to."""
        for calendar_id in calendar_ids:
            await self.all_of(course, calendar_id, course.claim.calendars.get(calendar_id), Verdict.DROPPED)
            await self._passes.forget(course.claim, calendar_id)

    async def all_of(self, course: Course, calendar_id: str, tracked: Tracked | None, verdict: Verdict) -> None:
        """Take all events of a calendar back, and what was said in doubt about them; `verdict` ends what is held."""
        claim = course.claim
        living = await self._objects.living(claim, calendar_id)
        if living and tracked:
            await self._passes.remember(claim, calendar_id, leaving(tracked))
        course.removed += await self._remove(claim, living, as_of=course.as_of, reason=RemovalReason.CALENDAR_LEFT)
        if tracked and tracked.quarantine_told:
            await self._tell.say(quarantined(claim, next(course.revisions), calendar_id, ()))
        if tracked:
            await self._tell_holds(course, calendar_id, (tracked.hold, None), verdict)

    async def past(self, course: Course) -> None:
        """Take back what lies wholly before the horizon."""
        before = course.look.horizon.start
        while over := await self._objects.passed(course.claim, before, BATCH):
            course.removed += await self._remove(course.claim, over, as_of=course.as_of, reason=RemovalReason.PASSED)

    async def titles(self, claim: Claim) -> Claim:
        """Take titles back that the user does not want to leave any more; the claim as it stands then.

        Nothing is asked of iCloud: it may not answer, or not for this calendar. What is taken back is kept nowhere, so
        it is noted first that the calendars are to be looked through again, whatever is wanted by then.
        """
        if not claim.titles_may_be_out:
            return claim
        calendars = dict(claim.calendars)
        for one, tracked in claim.calendars.items():
            if is_with_titles(tracked.basis):
                calendars[one] = replace(tracked, basis=UNREAD)
                await self._passes.remember(claim, one, calendars[one])
        while titled := await self._objects.titled(claim, BATCH):
            bare = [_bare(claim, one) for one in titled]
            await self._objects.write(claim, bare)
            await self._publish(claim, bare)
        return replace(claim, calendars=calendars)


def _bare(claim: Claim, state: Imported) -> Imported:
    content = replace(state.content, title=None)
    said = digest(claim, state.event_id, state.calendar_id, content)
    basis, revision = without_titles(state.basis), state.revision + 1
    return replace(state, basis=basis, epoch=claim.epoch, revision=revision, digest=said, content=content)
