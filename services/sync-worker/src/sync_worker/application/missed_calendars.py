"""Calendars that the home does not show any more, or not as calendars of events."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Protocol

from icloud import CalendarGone, CredentialsRejected, Forbidden, NotUnderstood, TryLater
from sync_worker.application.accounts import is_of_one_calendar
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.leave_calendars import LeaveCalendars
from sync_worker.application.tell import Tell
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held, Verdict, Wish, hold, looked
from sync_worker.domain.passes import Plan, Step
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
        self._tell_holds = TellHolds(tell)

    async def noted(self, course: Course, planned: Plan, others: AbstractSet[str]) -> Plan:
        """Keep of each vanished calendar which others came since, before anybody is told that these are there.

        What was told is known from then on, be it by a pass that goes on or by one that comes after it.
        """
        steps = [await self._noted(course.claim, step, others) for step in planned.steps]
        return replace(planned, steps=tuple(steps))

    async def gone(self, course: Course, step: Step, others: AbstractSet[str]) -> bool:
        """Whether it is gone for good; `others` are the calendars of events that the home shows.

        Without any it may be an empty answer. Where one of them came as this one went, and is not chosen, it may be
        the same under another name: then only somebody's word lets go of what blocks.
        """
        held, now = step.hold, course.now
        if held is None or held.doubt is not Doubt.VANISHED:
            # What was said before was not about this.
            await self._passes.heard(course.claim, {step.calendar_id: Wish.CONFIRM})
            known = await self._objects.count(course.claim, step.calendar_id)
            fresh = hold(Doubt.VANISHED, known=known, missing=known, now=now)
            await self._hold(course, step, _with_newcomers(course.claim, step, fresh, others))
            return False
        confirmed = step.wish is Wish.CONFIRM or (
            held.ripe(now)
            and bool(others)
            and step.shown is None
            and not held.may_be_replaced
            and await self._not_there(course, step.tracked, held)
        )
        await self._hold(course, step, held if confirmed else looked(held, now))
        return confirmed

    async def leave(self, course: Course, step: Step) -> None:
        """Take its events back; it no longer counts, until it comes back."""
        claim, one = course.claim, step.calendar_id
        await self._leave.all_of(course, one, step.tracked, Verdict.CONFIRMED)
        await self._passes.remember(claim, one, gone(step.tracked, claim.basis))
        if step.wish:
            await self._passes.heard(claim, {one: step.wish})
        course.behind.pop(one, None)

    async def _noted(self, claim: Claim, step: Step, others: AbstractSet[str]) -> Step:
        held = step.hold
        if step.readable or step.tracked is None or held is None or held.doubt is not Doubt.VANISHED:
            return step
        noted = _with_newcomers(claim, step, held, others)
        if noted == held:
            return step
        tracked = replace(step.tracked, hold=noted)
        await self._passes.remember(claim, step.calendar_id, tracked)
        return replace(step, tracked=tracked)

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


def _with_newcomers(claim: Claim, step: Step, held: Held, others: AbstractSet[str]) -> Held:
    """What is held of a vanished calendar, with those of the others that are not chosen and came since.

    Where the home was already told without the calendar, and not by us, nobody knows what came with it: it may be any.
    """
    unread, known = others - claim.conflict_calendars, claim.home_told.ids
    noted = step.hold is not None and step.hold.doubt is Doubt.VANISHED
    ours = noted and held.epoch in (None, claim.epoch)
    came = unread - known if ours or step.calendar_id in known else unread
    before = frozenset(held.newcomers) if noted else frozenset[str]()
    return replace(held, newcomers=tuple(sorted(came | unread & before)), epoch=claim.epoch)
