"""One calendar within a pass."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from icloud import CalendarGone, Forbidden, ICloudError, NotUnderstood
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.ask_calendar import AskCalendar
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Passes
from sync_worker.application.import_objects import ImportObjects, Wanted
from sync_worker.application.reading import Drift, Reading
from sync_worker.application.tell import Tell, quarantine_digest, quarantined
from sync_worker.application.tell_holds import TellHolds
from sync_worker.domain.outbox import Known
from sync_worker.domain.passes import Step
from sync_worker.domain.tracked import PATIENCE, Settled, failed, settled, unsettled

_log = get_logger("sync_worker.read_calendar")

ONE_CALENDAR: Final = (CalendarGone, Forbidden, NotUnderstood)
"""What says something about one calendar only; the others are read all the same."""


class Objects(Protocol):
    """The kept objects."""

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """Those of one calendar that cannot be read."""

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        """Those that are kept, gone ones included, by event id."""


class ReadCalendar:
    """Asks one calendar, imports what is new in it, and remembers from where to go on once all of it is on Kafka."""

    def __init__(self, ask: AskCalendar, bring: ImportObjects, objects: Objects, passes: Passes, tell: Tell) -> None:
        self._ask = ask
        self._bring = bring
        self._objects = objects
        self._passes = passes
        self._tell = tell
        self._tell_holds = TellHolds(tell)

    async def ask(self, course: Course, step: Step) -> Reading | None:
        """What is new; None when it cannot be told now."""
        try:
            return await self._ask(course, step)
        except ONE_CALENDAR as why:
            await self.fall_behind(course, step, why)
            return None

    async def bring(self, course: Course, reading: Reading) -> bool:
        """Import what is new. True: only removals are left to do, if any."""
        claim, step = course.claim, reading.step
        wanted = Wanted(step.calendar_id, reading.shown.path, reading.fetch)
        try:
            missing = await self._bring(claim, course.account, wanted, course.look, course.heard)
        except ONE_CALENDAR as why:
            await self.fall_behind(course, step, why)
            return False
        if not missing:
            return True
        tries = step.tracked.failures + 1 if step.tracked else 1
        if tries < PATIENCE:
            await self.fall_behind(course, step, None)
            return False
        lost = dict.fromkeys(missing, "")
        await self._bring.give_up(claim, Wanted(step.calendar_id, reading.shown.path, lost), course.look)
        return True

    async def settle(self, course: Course, reading: Reading) -> None:
        """Everything of this reading is on Kafka: the next pass goes on from here."""
        claim, step = course.claim, reading.step
        told = await self._tell_quarantine(course, reading)
        await self._tell_holds(course, step.calendar_id, (step.hold, reading.hold), reading.verdict)
        await self._count_drift(claim, reading.drift)
        how = Settled(reading.token, told, reading.hold, reading.covered, reading.reconciled)
        tracked = settled(step.tracked, reading.shown, claim.basis, how, claim.as_of)
        if tracked.hold:
            course.behind[step.calendar_id] = tracked
        await self._passes.remember(claim, step.calendar_id, tracked)
        if step.wish and not tracked.hold:
            await self._passes.heard(claim, {step.calendar_id: step.wish})

    async def wait(self, course: Course, reading: Reading) -> None:
        """The removals of this reading are not done in this pass: the next one asks again from where this one did."""
        tracked = reading.step.tracked
        if tracked is not None:
            await self._passes.remember(course.claim, reading.step.calendar_id, unsettled(tracked))

    async def fall_behind(self, course: Course, step: Step, why: ICloudError | None) -> None:
        """The calendar could not be read to the end; what is known of it stays."""
        claim = course.claim
        tracked = course.behind[step.calendar_id] = failed(step.tracked, step.shown, claim.basis, claim.as_of)
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

    async def _tell_quarantine(self, course: Course, reading: Reading) -> str:
        """Say what cannot be read of the calendar if that is news; returns its digest."""
        claim, step = course.claim, reading.step
        before = step.tracked.quarantine_told if step.tracked else ""
        if not (before or reading.fetch or reading.remove):
            return before
        known = await self._objects.quarantined(claim, step.calendar_id)
        now = quarantine_digest(known)
        if now != before:
            _log.warning("events_quarantined", calendar_id=step.calendar_id, objects=len(known))
            await self._tell.say(quarantined(claim, next(course.revisions), step.calendar_id, known))
        return now

    async def _count_drift(self, claim: Claim, drift: Drift) -> None:
        """Count what was really put right: read, and found to say something else; or removed."""
        if not (drift.news or drift.extra):
            return
        known = await self._objects.known(claim, [*drift.news, *drift.extra])
        counts = drift.repaired({one: (each.revision, each.alive) for one, each in known.items()})
        for kind, count in counts.items():
            metrics.DRIFT.labels(kind).inc(count)
        if any(counts.values()):
            _log.warning("drift_repaired", **counts)
