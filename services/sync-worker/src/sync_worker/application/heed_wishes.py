"""What the user says about held removals, kept and told."""

from collections.abc import Mapping
from dataclasses import replace

from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.tell import Tell
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.holds import Held, Wish, asked_again, kept
from sync_worker.domain.tracked import Tracked, holding


class HeedWishes:
    """Keeps what the user wants to keep, and asks again once the day is over for which that counts.

    What was to be said is said again by the next pass where this one dies: a wish is forgotten last, and that a day is
    over is noted last.
    """

    def __init__(self, passes: Passes, tell: Tell) -> None:
        self._passes = passes
        self._tell_holds = TellHolds(tell)

    async def __call__(self, course: Course) -> Mapping[str, Tracked]:
        """What is remembered of the calendars from here on.

        A wish about what is not held any more is forgotten: it was not about anything that may be held later. What is
        confirmed waits for its look.
        """
        claim, tracked = course.claim, dict(course.claim.calendars)
        heard = {}
        for one, wish in claim.wishes.items():
            before = tracked.get(one)
            if before is None or before.hold is None or one not in claim.conflict_calendars:
                heard[one] = wish
            elif wish is Wish.KEEP:
                heard[one] = wish
                tracked[one] = await self._keep(course, one, before, before.hold)
        if heard:
            await self._passes.heard(claim, heard)
        for one in claim.conflict_calendars & tracked.keys():
            hold = tracked[one].hold
            if hold is not None and hold.asks_again(course.now):
                tracked[one] = await self._ask_again(course, one, tracked[one], hold)
        return tracked

    async def _keep(self, course: Course, one: str, before: Tracked, hold: Held) -> Tracked:
        tracked = replace(before, hold=kept(hold, course.now))
        await self._passes.remember(course.claim, one, tracked)
        await self._tell_holds.answered(course, one, kept(hold, course.now))
        return tracked

    async def _ask_again(self, course: Course, one: str, before: Tracked, hold: Held) -> Tracked:
        """From here on it ages once more: not from before the answer, but from when all was last read."""
        waiting = asked_again(hold, course.now)
        tracked = holding(before, waiting, course.claim.basis, course.claim.as_of)
        await self._tell_holds.answered(course, one, waiting)
        await self._passes.remember(course.claim, one, tracked)
        return tracked
