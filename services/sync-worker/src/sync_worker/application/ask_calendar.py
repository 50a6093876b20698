"""What is new in one calendar."""

from collections.abc import Mapping
from typing import Protocol

from icloud import TokenDead
from runtime.logs import get_logger
from sync_worker.application import ask_changes, compare_calendar
from sync_worker.application.ask_changes import AskChanges, Told
from sync_worker.application.compare_calendar import CompareCalendar, believed, shown_of
from sync_worker.application.course import Course
from sync_worker.application.reading import Reading
from sync_worker.application.reconcile_calendar import Reconcile
from sync_worker.application.second_look import LookAgain
from sync_worker.domain.holds import after_changes, after_listing
from sync_worker.domain.passes import How, Step
from sync_worker.domain.values import Span

_log = get_logger("sync_worker.ask_calendar")


class Objects(ask_changes.Objects, compare_calendar.Objects, Protocol):
    """The kept objects of one calendar."""


class AskCalendar:
    """Asks for changes, lists the calendar anew where there is nothing to go on from, and looks twice where it must."""

    def __init__(self, objects: Objects) -> None:
        self._changes = AskChanges(objects)
        self._compare = CompareCalendar(objects)
        self._look_again = LookAgain(self._compare, self._changes)
        self._reconcile = Reconcile(self._compare, self._changes)

    async def __call__(self, course: Course, step: Step) -> Reading:
        """Raises what the account raises, except TokenDead."""
        token = step.tracked.token if step.tracked else None
        if step.how is How.SECOND_LOOK and step.hold is not None:
            return await self._look_again(course, step, step.hold)
        if step.how is How.DAILY:
            return await self._reconcile(course, step)
        if step.how is How.CHANGES and token is not None:
            try:
                return _changed(course, step, await self._changes(course, step, token))
            except TokenDead:
                _log.info("token_dead", calendar_id=step.calendar_id)
        return await self._listing(course, step)

    async def additions(self, course: Course, step: Step, window: Span) -> Mapping[str, str]:
        """ETags by href of what there is to read in a window. Raises what the account raises."""
        return await self._compare.additions(course.claim, course.account, step, window)

    async def _listing(self, course: Course, step: Step) -> Reading:
        shown, window, now = shown_of(step), course.look.horizon, course.now
        compared = await self._compare(course.claim, course.account, step, window)
        found = await believed(compared, course.account, shown, compared.unlisted)
        guarded = after_listing(step.hold, found.said, known=compared.provable, missing=len(found.missing), now=now)
        return Reading(
            step=step,
            shown=shown,
            fetch={**compared.fetch, **found.moved},
            remove=compared.ids(found.missing) if guarded.remove else (),
            token=shown.token,
            hold=guarded.hold,
            verdict=guarded.verdict,
            covered=window.end if step.first else None,
            reconciled=now if step.first else None,
        )


def _changed(course: Course, step: Step, told: Told) -> Reading:
    guarded = after_changes(step.hold, told.said, known=told.known, missing=len(told.remove), now=course.now)
    return Reading(
        step=step,
        shown=shown_of(step),
        fetch=told.fetch,
        remove=told.remove if guarded.remove else (),
        token=told.changes.token,
        hold=guarded.hold,
        verdict=guarded.verdict,
    )
