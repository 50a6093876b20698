"""Calendars that the home does not show any more, or not as calendars of events."""

from typing import Protocol

from icloud import CalendarGone, CredentialsRejected, Forbidden, NotUnderstood, TryLater
from sync_worker.application.accounts import is_of_one_calendar
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.leave_calendars import LeaveCalendars
from sync_worker.application.tell import Tell, quarantined
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held, Verdict, Wish, hold, looked
from sync_worker.domain.passes import Step
from sync_worker.domain.tracked import Tracked, gone, holding


class Objects(Protocol):
    """The kept objects of one calendar."""

    async def count(self, claim: Claim, calendar_id: str) -> int:
        """How many are not gone."""


class MissedCalendars:
    """Holds what is known of a vanished calendar until the calendar itself, or the user, says that it is gone."""

    def __init__(self, objects: Objects, leave: LeaveCalendars, passes: Passes, tell: Tell) -> None:
        self._objects = objects
        self._leave = leave
        self._passes = passes
        self._tell = tell
        self._tell_holds = TellHolds(tell)

    async def gone(self, course: Course, step: Step, *, others: bool) -> bool:
        """Whether it is gone for good; `others`: the home shows other calendars of events, so it is no empty answer."""
        held, now = step.hold, course.now
        if held is None or held.doubt is not Doubt.VANISHED:
            # What was said before was not about this.
            await self._passes.heard(course.claim, {step.calendar_id: Wish.CONFIRM})
            known = await self._objects.count(course.claim, step.calendar_id)
            await self._hold(course, step, hold(Doubt.VANISHED, known=known, missing=known, now=now))
            return False
        confirmed = step.wish is Wish.CONFIRM or (
            held.ripe(now) and others and step.shown is None and await self._not_there(course, step.tracked, held)
        )
        await self._hold(course, step, held if confirmed else looked(held, now))
        return confirmed

    async def leave(self, course: Course, step: Step) -> None:
        """Take its events back; it no longer counts, until it comes back."""
        claim, one = course.claim, step.calendar_id
        await self._leave.events_of(course, one)
        if step.tracked and step.tracked.quarantine_told:
            await self._tell.say(quarantined(claim, next(course.revisions), one, ()))
        await self._tell_holds(course, one, (step.hold, None), Verdict.CONFIRMED)
        await self._passes.remember(claim, one, gone(step.tracked, claim.basis))
        if step.wish:
            await self._passes.heard(claim, {one: step.wish})
        del course.behind[one]

    async def _hold(self, course: Course, step: Step, held: Held) -> None:
        await self._tell_holds(course, step.calendar_id, (step.hold, held), None)
        tracked = holding(step.tracked, held, course.claim.basis, course.claim.as_of)
        course.behind[step.calendar_id] = tracked
        if tracked != step.tracked:
            await self._passes.remember(course.claim, step.calendar_id, tracked)

    async def _not_there(self, course: Course, tracked: Tracked | None, held: Held) -> bool:
        if tracked is None or not tracked.path:
            # It was never seen, so nothing of it is known.
            return held.known == 0
        try:
            await course.account.contents(tracked.path)
        except CalendarGone:
            return True
        except (Forbidden, NotUnderstood):
            return False
        except TryLater as later:
            if not is_of_one_calendar(later):
                raise
        except CredentialsRejected:
            if not course.claim.trail.accepted:
                raise
        return False
