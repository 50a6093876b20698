"""Calendars that the user took out of the setup."""

from collections.abc import Sequence

from contracts.events import RemovalReason
from sync_worker.application.ask_calendar import Objects
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.remove_objects import RemoveObjects


class LeaveCalendars:
    """Takes all events of a calendar back, then forgets where reading it had come to."""

    def __init__(self, objects: Objects, remove: RemoveObjects, passes: Passes) -> None:
        self._objects = objects
        self._remove = remove
        self._passes = passes

    async def __call__(self, course: Course, calendar_ids: Sequence[str]) -> None:
        """Leave these calendars."""
        for calendar_id in calendar_ids:
            known = await self._objects.of_calendar(course.claim, calendar_id)
            course.removed += await self._remove(
                course.claim, [one.event_id for one in known], as_of=course.as_of, reason=RemovalReason.CALENDAR_LEFT
            )
            await self._passes.forget(course.claim, calendar_id)
