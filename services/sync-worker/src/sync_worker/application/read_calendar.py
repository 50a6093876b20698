"""One calendar within a pass."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, Protocol

from icloud import CalendarGone, CredentialsRejected, Forbidden, ICloudError, NotUnderstood, TryLater, event_id
from runtime.logs import get_logger
from sync_worker.application import count_drift, metrics
from sync_worker.application.accounts import is_of_one_calendar
from sync_worker.application.ask_calendar import AskCalendar
from sync_worker.application.claim import Claim
from sync_worker.application.compare_calendar import shown_of
from sync_worker.application.count_drift import CountDrift
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.import_objects import ImportObjects
from sync_worker.application.judge_object import Wanted
from sync_worker.application.reading import Reading
from sync_worker.application.tell import Tell, quarantine_digest, quarantined
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.holds import Wish, is_new
from sync_worker.domain.nearness import nearest_first
from sync_worker.domain.outbox import MISSING, Known
from sync_worker.domain.passes import How, Step
from sync_worker.domain.tracked import (
    LATE_AT_MOST,
    PATIENCE,
    Settled,
    Shown,
    begun,
    failed,
    is_waited_for,
    newly_late,
    settled,
    unsettled,
    waiting,
)
from sync_worker.domain.values import Span

_log = get_logger("sync_worker.read_calendar")

_ONE_CALENDAR: Final = (CalendarGone, Forbidden, NotUnderstood)
_WHOLE: Final = frozenset({How.DAILY, How.EMPTY})
"""What is begun anew after a failure, once changes have been asked."""


class Objects(count_drift.Objects, Protocol):
    """The kept objects."""

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """Those of one calendar that cannot be read."""


class ReadCalendar:
    """Asks one calendar, imports what is new in it, and remembers from where to go on once all of it is on Kafka."""

    def __init__(self, ask: AskCalendar, bring: ImportObjects, objects: Objects, passes: Passes, tell: Tell) -> None:
        self._ask = ask
        self._bring = bring
        self._objects = objects
        self._passes = passes
        self._tell = tell
        self._tell_holds = TellHolds(tell)
        self._put_right = CountDrift(objects)

    async def ask(self, course: Course, step: Step) -> Reading | None:
        """What is new; None when it cannot be told now."""
        try:
            return await self._ask(course, step)
        except ICloudError as why:
            await self._fall_behind_or_raise(course, step, why)
            return None

    async def nearest(self, course: Course, steps: Sequence[Step]) -> Collection[str]:
        """Import the nearest days of calendars that are read for the first time, before any is listed as a whole.

        Settles nothing: the whole listing finds what changed meanwhile, what did not come, and what is gone.
        Returns the calendars that cannot be read now.
        """
        behind: set[str] = set()
        for window in nearest_first(course.look.horizon)[:-1]:
            for step in steps:
                if step.calendar_id not in behind and not await self._bring_nearest(course, step, window):
                    behind.add(step.calendar_id)
        return behind

    async def _bring_nearest(self, course: Course, step: Step, window: Span) -> bool:
        claim, shown = course.claim, shown_of(step)
        try:
            found = await self._ask.additions(course, step, window)
            await self._note_begun(claim, step, shown, found)
            await self._bring(
                claim, course.objects, Wanted(step.calendar_id, shown.path, found), course.look, course.heard
            )
        except ICloudError as why:
            await self._fall_behind_or_raise(course, step, why)
            return False
        return True

    async def _note_begun(self, claim: Claim, step: Step, shown: Shown, fetch: Collection[str]) -> None:
        """Should it not be read to the end, there is something to take back, or to look through again."""
        tracked = begun(step.tracked, shown, claim.basis)
        if fetch and tracked != claim.calendars.get(step.calendar_id):
            await self._passes.remember(claim, step.calendar_id, tracked)

    async def bring(self, course: Course, reading: Reading) -> Reading | None:
        """Import what is new; the reading of which only removals are left to do, if any. None: it is not at its end."""
        claim, step = course.claim, reading.step
        await self._note_begun(claim, step, reading.shown, reading.fetch)
        patient = (failures := _failures(claim, step)) + 1 < PATIENCE
        # What is late of a calendar that was settled, or is not waited for any more, has had its time.
        late = step.tracked.late if step.tracked and not (patient and failures) else ()
        wanted = Wanted(step.calendar_id, reading.shown.path, reading.fetch, frozenset(href for href, _ in late))
        try:
            lag = await self._bring(claim, course.objects, wanted, course.look, course.heard)
        except ICloudError as why:
            await self._fall_behind_or_raise(course, step, why)
            return None
        missing = await self._lagging(claim, step, lag.missing)
        if step.how in _WHOLE and len(lag.stale) > LATE_AT_MOST and not missing:
            # Too many to be waited for, and a listing shows them again tomorrow: what has changed is asked once more.
            return _from_where_it_was(reading)
        if patient and is_waited_for(step.tracked, failures, missing=missing, stale=lag.stale):
            await self._wait_for(course, reading, {href: reading.fetch[href] for href in missing} | lag.stale)
            return None
        absent = {href: etag for href in lag.missing if (etag := reading.fetch[href])}
        if lost := {href: reading.fetch[href] for href in missing} | newly_late(step.tracked, absent):
            await self._bring.give_up(claim, Wanted(step.calendar_id, reading.shown.path, lost), course.look)
        return replace(reading, late=lag.stale | absent)

    async def again(self, course: Course, step: Step) -> AbstractSet[str]:
        """Import what has come into a calendar meanwhile; the ids of all that is shown there, came back as it was, too.

        Settles nothing: the next pass hears all of it once more.
        """
        tracked = course.settled.get(step.calendar_id, step.tracked)
        how = How.CHANGES if tracked and tracked.token else How.LISTING
        reading = await self.ask(course, replace(step, how=how, tracked=tracked))
        if reading is None:
            return frozenset()
        await self.bring(course, reading)
        return {event_id(course.claim.connection_id, href) for href in reading.there}

    async def settle(self, course: Course, reading: Reading) -> None:
        """Everything of this reading is on Kafka: the next pass goes on from here."""
        claim, step = course.claim, reading.step
        told = await self._tell_quarantine(course, reading)
        await self._tell_holds(course, step.calendar_id, (step.hold, reading.hold), reading.verdict)
        how = Settled(
            reading.token,
            told,
            reading.hold,
            reading.covered,
            reading.reconciled,
            reading.empty_since,
            reading.late,
            await self._put_right(claim, reading.drift),
        )
        tracked = settled(step.tracked, reading.shown, claim.basis, how, claim.as_of)
        if tracked.hold:
            course.behind[step.calendar_id] = tracked
        if is_new(step.hold, tracked.hold):
            # Also what was said while this pass ran was about what was held before.
            await self._passes.heard(claim, {step.calendar_id: Wish.CONFIRM})
        if reading.fetch or tracked != claim.calendars.get(step.calendar_id):
            await self._passes.remember(claim, step.calendar_id, tracked)
        course.settled[step.calendar_id] = tracked
        if step.wish and not tracked.hold:
            await self._passes.heard(claim, {step.calendar_id: step.wish})

    async def wait(self, course: Course, reading: Reading) -> None:
        """The removals of this reading are not done in this pass: the next one asks again from where this one did."""
        # Where it was asked once more and did not answer, that counts.
        tracked = course.behind.get(reading.step.calendar_id, reading.step.tracked)
        if tracked is not None:
            if tracked.hold:
                course.behind[reading.step.calendar_id] = tracked
            await self._passes.remember(course.claim, reading.step.calendar_id, unsettled(tracked))

    async def _wait_for(self, course: Course, reading: Reading, late: Mapping[str, str]) -> None:
        step, claim = reading.step, course.claim
        begin = begun(step.tracked, step.shown, claim.basis)
        await self.fall_behind(course, replace(step, tracked=waiting(begin, reading.fetch, late)), None)

    async def fall_behind(self, course: Course, step: Step, why: ICloudError | None) -> None:
        """The calendar could not be read to the end; what is known of it stays."""
        claim = course.claim
        tracked = failed(step.tracked, step.shown, claim.basis, claim.as_of)
        tracked = course.behind[step.calendar_id] = replace(tracked, failures=_failures(claim, step) + 1)
        reason = type(why).__name__ if why else "Lag"
        metrics.BEHIND.labels(reason).inc()
        _log.warning(
            "calendar_not_read",
            calendar_id=step.calendar_id,
            reason=reason,
            detail=str(why) if why else None,
            failures=tracked.failures,
        )
        await self._passes.remember(claim, step.calendar_id, tracked)

    async def _fall_behind_or_raise(self, course: Course, step: Step, why: ICloudError) -> None:
        """The others are read all the same, unless it says something about the account."""
        claim = course.claim
        # A first import had better be repeated as a whole: its end is what the user waits for.
        hasty = claim.as_of is None and claim.failures + 1 < PATIENCE
        match why:
            case TryLater():
                of_one = is_of_one_calendar(why) and not hasty
            case CredentialsRejected():
                of_one = claim.trail.accepted and not hasty
            case _:
                of_one = isinstance(why, _ONE_CALENDAR)
        if not of_one:
            raise why
        await self.fall_behind(course, step, why)

    async def _lagging(self, claim: Claim, step: Step, missing: list[str]) -> list[str]:
        """Those of what did not come that may yet: what was given up before is only asked for along the way."""
        if not missing or not (step.tracked and step.tracked.quarantine_told):
            return missing
        quarantined = await self._objects.quarantined(claim, step.calendar_id)
        given_up = {one.event_id for one in quarantined if one.quarantine and one.quarantine.reason == MISSING}
        return [href for href in missing if event_id(claim.connection_id, href) not in given_up]

    async def _tell_quarantine(self, course: Course, reading: Reading) -> str:
        """Say what cannot be read of the calendar if that is news; returns its digest."""
        claim, step = course.claim, reading.step
        before = step.tracked.quarantine_told if step.tracked else ""
        if not (before or reading.fetch or reading.remove or step.first):
            return before
        known = await self._objects.quarantined(claim, step.calendar_id)
        now = quarantine_digest(known)
        if now != before:
            _log.warning("events_quarantined", calendar_id=step.calendar_id, objects=len(known))
            await self._tell.say(quarantined(claim, next(course.revisions), step.calendar_id, known))
        return now


def _from_where_it_was(reading: Reading) -> Reading:
    """The reading, if the next pass asks what changed from where this one did."""
    token = reading.step.tracked.token if reading.step.tracked else None
    return replace(reading, token=token, shown=replace(reading.shown, ctag=None))


def _failures(claim: Claim, step: Step) -> int:
    """How many passes in a row failed before this one, even if this one has settled the calendar and asks it again."""
    before = claim.calendars.get(step.calendar_id)
    return before.failures if before else 0
