"""What is new in one calendar."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from icloud import TokenDead
from runtime.logs import get_logger
from sync_worker.application import ask_changes, compare_calendar
from sync_worker.application.ask_changes import AskChanges, Told
from sync_worker.application.compare_calendar import CompareCalendar, Compared, believed, contents_of, shown_of
from sync_worker.application.course import Course
from sync_worker.application.jobs import Jobs
from sync_worker.application.own_appointments import Undoubted
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

    def __init__(self, objects: Objects, jobs: Jobs) -> None:
        undoubted = Undoubted(jobs)
        self._objects = objects
        self._changes = AskChanges(objects, undoubted)
        self._compare = CompareCalendar(objects, undoubted)
        self._look_again = LookAgain(self._compare, self._changes)
        self._reconcile = Reconcile(self._compare, self._changes)

    async def __call__(self, course: Course, step: Step) -> Reading:
        """Raises what the account raises, except TokenDead."""
        token = step.tracked.token if step.tracked else None
        if step.how is How.SECOND_LOOK and step.hold is not None:
            return await self._look_again(course, step, step.hold)
        if step.how is How.DAILY:
            return await self._reconcile(course, step)
        if step.how is How.EMPTY:
            return await self._doubted(course, step)
        if step.how is How.CHANGES and token is not None:
            try:
                return _changed(course, step, await self._changes(course, step, token))
            except TokenDead:
                _log.info("token_dead", calendar_id=step.calendar_id)
        _, reading = await self._listing(course, step)
        return reading

    async def additions(self, course: Course, step: Step, window: Span) -> Mapping[str, str]:
        """ETags by href of what there is to read in a window. Raises what the account raises."""
        return await self._compare.additions(course.claim, course.account, step, window)

    async def _doubted(self, course: Course, step: Step) -> Reading:
        """What lies in a calendar whose listing was empty, by its names where it is still not listed.

        Settles the doubt, unless there is no other way to ask and the listing is as it was. What has changed since the
        calendar was last read is asked by the next pass.
        """
        before, contents = _as_before(step), await contents_of(course.account, shown_of(step))
        if contents is not None and not contents and not await self._objects.count(course.claim, step.calendar_id):
            return before
        _log.info("empty_listing_doubted", calendar_id=step.calendar_id, objects=len(contents or ()))
        compared, reading = await self._listing(course, step)
        return replace(
            reading,
            shown=before.shown,
            token=before.token,
            fetch={**compared.hidden(contents or {}), **reading.fetch},
            empty_since=step.empty_since if contents is None and compared.bare else None,
        )

    async def _listing(self, course: Course, step: Step) -> tuple[Compared, Reading]:
        shown, window, now = shown_of(step), course.look.horizon, course.now
        compared = await self._compare(course.claim, course.account, step, window)
        found = await believed(compared, course.account, shown, compared.unlisted)
        doubtful = len(compared.counted(found.missing))
        guarded = after_listing(step.hold, found.said, known=compared.provable, missing=doubtful, now=now)
        return compared, Reading(
            step=step,
            shown=shown,
            fetch={**compared.fetch, **found.moved},
            remove=compared.ids(found.missing) if guarded.remove else (),
            token=shown.token,
            hold=guarded.hold,
            verdict=guarded.verdict,
            covered=window.end if step.first else None,
            reconciled=now if step.first else None,
            empty_since=_doubted_since(step, now) if compared.bare else None,
            there=compared.listed.keys() | found.moved.keys(),
        )


def _changed(course: Course, step: Step, told: Told) -> Reading:
    guarded = after_changes(step.hold, told.said, known=told.known, missing=told.doubtful, now=course.now)
    return Reading(
        step=step,
        shown=shown_of(step),
        fetch=told.fetch,
        remove=told.remove if guarded.remove else (),
        token=told.changes.token,
        hold=guarded.hold,
        verdict=guarded.verdict,
        empty_since=step.empty_since,
        there=told.changes.changed.keys(),
    )


def _doubted_since(step: Step, now: datetime) -> datetime | None:
    """Since when it is in doubt whether a calendar is empty of which nothing is known and nothing was listed.

    A listing in the place of changes is as good as a first one.
    """
    if step.first:
        return now
    return step.empty_since or (now if step.how is How.CHANGES else None)


def _as_before(step: Step) -> Reading:
    """Nothing is settled but the doubt: what has changed since it was last read is asked by the next pass."""
    shown, tracked = shown_of(step), step.tracked
    if tracked is not None:
        shown = replace(shown, ctag=tracked.ctag, token=tracked.listed_token)
    return Reading(
        step=step, shown=shown, fetch={}, remove=(), token=tracked.token if tracked else None, hold=step.hold
    )
