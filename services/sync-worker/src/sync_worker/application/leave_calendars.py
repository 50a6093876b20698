"""Calendars that are read no more, and events that are over."""

from collections.abc import Sequence
from typing import Protocol

from contracts.events import RemovalReason
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.publish_states import BATCH
from sync_worker.application.remove_objects import RemoveObjects


class Objects(Protocol):
    """The kept objects."""

    async def living(self, claim: Claim, calendar_id: str) -> Sequence[str]:
        """Event ids of one calendar's objects that are not gone."""

    async def passed(self, claim: Claim, before: int, limit: int) -> Sequence[str]:
        """Event ids of objects that could be read and whose last occurrence ended by then (epoch seconds)."""


class LeaveCalendars:
    """Takes events back that are no concern of ours any more."""

    def __init__(self, objects: Objects, remove: RemoveObjects, passes: Passes) -> None:
        self._objects = objects
        self._remove = remove
        self._passes = passes

    async def __call__(self, course: Course, calendar_ids: Sequence[str]) -> None:
        """Leave calendars that the user took out of the setup, and forget where reading them had come to."""
        for calendar_id in calendar_ids:
            await self.events_of(course, calendar_id)
            await self._passes.forget(course.claim, calendar_id)

    async def events_of(self, course: Course, calendar_id: str) -> None:
        """Take all events of a calendar back."""
        living = await self._objects.living(course.claim, calendar_id)
        course.removed += await self._remove(
            course.claim, living, as_of=course.as_of, reason=RemovalReason.CALENDAR_LEFT
        )

    async def past(self, course: Course) -> None:
        """Take back what lies wholly before the horizon."""
        before = course.look.horizon.start
        while over := await self._objects.passed(course.claim, before, BATCH):
            course.removed += await self._remove(course.claim, over, as_of=course.as_of, reason=RemovalReason.PASSED)
