"""One pass over one Apple account."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from contracts.events import RemovalReason
from icloud import HeldBack, Home, TryLater
from runtime.logs import get_logger
from sync_worker.application.accounts import Account, Accounts
from sync_worker.application.claim import Claim
from sync_worker.application.course import Course
from sync_worker.application.endings import Outlook, Passes
from sync_worker.application.export_appointments import ExportAppointments, Exporting
from sync_worker.application.heed_wishes import HeedWishes
from sync_worker.application.home_seen import HomeSeen, by_id, remembered_by, shown
from sync_worker.application.jobs import Jobs
from sync_worker.application.judge_object import Look
from sync_worker.application.leave_calendars import LeaveCalendars
from sync_worker.application.missed_calendars import MissedCalendars
from sync_worker.application.own_appointments import OwnAppointments
from sync_worker.application.publish_states import PublishStates
from sync_worker.application.read_calendar import ReadCalendar
from sync_worker.application.reading import Reading
from sync_worker.application.remove_objects import RemoveObjects
from sync_worker.application.tell import Progress, Tell
from sync_worker.application.tell_calendars import TellCalendars
from sync_worker.domain.passes import Horizon, How, Plan, Remembered, Step, plan

_LOOKS: Final = 3
"""At the home before something is removed; calendars that change all the time are not waited for."""

_log = get_logger("sync_worker.sync_account")


@dataclass(frozen=True, slots=True)
class Read:
    """A pass that read what could be read; `behind` counts the calendars of which it could not."""

    as_of: datetime
    home: Home | None = field(repr=False)
    imported: int
    removed: int
    behind: int
    outlook: Outlook | None


@dataclass(frozen=True, slots=True)
class Doing:
    """What a pass does with what it finds."""

    calendars: TellCalendars
    exports: ExportAppointments
    read: ReadCalendar
    remove: RemoveObjects
    leave: LeaveCalendars
    missed: MissedCalendars
    publish: PublishStates
    passes: Passes
    tell: Tell
    jobs: Jobs


class SyncAccount:
    """Writes the appointments that wait, reads what changed in an account's conflict calendars, and says it.

    Additions and changes of all calendars are on Kafka before the first removal, so that an event that moved between
    two calendars never leaves its time open, even if it moves while they are asked. A calendar's token is kept last.
    After a crash anywhere the next pass starts from the old tokens; doing again what was done changes nothing.
    """

    def __init__(self, accounts: Accounts, doing: Doing, horizon: Horizon) -> None:
        self._accounts = accounts
        self._do = doing
        self._heed = HeedWishes(doing.passes, doing.tell)
        self._horizon = horizon

    async def __call__(self, claim: Claim) -> Read:
        """Raises LeaseLost, CredentialUnusable, and of icloud's errors those about the account as a whole."""
        if claim.unpublished:
            await self._do.publish.leftover(claim)
        claim = await self._do.leave.titles(claim)
        account = await self._accounts.open(claim)
        remembered = remembered_by(claim)
        seen = await self._seen(claim, account, remembered)
        course = self._course(claim, account)
        exporting = None
        if not seen.as_before:
            planned = await self._planned(course, seen, remembered)
            exporting = await self._do.exports(course, account, seen.calendars)
            await self._go(course, planned, exporting, seen.supported)
        await self._do.tell.completed(claim, next(course.revisions), course.reached())
        outlook = await self._do.exports.outlook(course, exporting) if exporting else None
        return Read(course.now, account.home, course.imported, course.removed, len(course.aged), outlook)

    async def _seen(self, claim: Claim, account: Account, remembered: Remembered) -> HomeSeen:
        try:
            seen = HomeSeen.of(claim, await account.home_listing(), remembered)
        except HeldBack:
            raise
        except TryLater:
            await self._do.exports.unreachable(claim)
            raise
        claim.trail.accepted = True
        return seen

    async def _planned(self, course: Course, seen: HomeSeen, remembered: Remembered) -> Plan:
        """What the calendars call for, once others know of them."""
        remembered = replace(remembered, tracked=await self._heed(course))
        planned = await self._do.missed.noted(course, plan(seen.shown, remembered), seen.supported)
        if await self._do.calendars(course, seen.calendars) and planned.calls_for_nothing:
            course.claim.trail.shows = seen.mark
        return planned

    async def _go(self, course: Course, planned: Plan, exporting: Exporting, supported: AbstractSet[str]) -> None:
        if planned.daily:
            # Before the day's work is noted as done; where nothing is booked any more no order matters.
            await self._do.leave.past(course)
        absent = [step for step in planned.steps if step.how is How.ABSENT]
        gone = [step for step in absent if await self._do.missed.gone(course, step, supported)]
        behind = await self._do.read.nearest(
            course, [one for one in planned.steps if one.first and one.how is How.LISTING]
        )
        steps = [step for step in planned.steps if step.calendar_id not in behind]
        readings = [reading for step in steps if (reading := await self._ask(course, step))]
        await self._do.exports.notice(course, exporting, readings)
        await course.progress.begin(sum(len(reading.fetch) for reading in readings))
        brought = [done for reading in readings if (done := await self._bring(course, reading))]
        left = [step.calendar_id for step in gone]
        if brought and not course.removals_wait(left):
            brought = await self._follow_moves(course, planned, brought, left)
        await self._remove(course, brought, gone)
        await self._do.leave(course, planned.left)

    async def _ask(self, course: Course, step: Step) -> Reading | None:
        match step.how:
            case How.NOTHING | How.RESTING | How.MISSED:
                if step.tracked is not None and (step.tracked.hold or step.tracked.failures):
                    course.behind[step.calendar_id] = step.tracked
                return None
            case How.ABSENT | How.LEFT:
                return None
            case How.CHANGES | How.LISTING | How.DAILY | How.EMPTY | How.SECOND_LOOK:
                return await self._do.read.ask(course, step)

    async def _bring(self, course: Course, reading: Reading) -> Reading | None:
        """Import; the reading where removals are left to do."""
        brought = await self._do.read.bring(course, reading)
        if brought is None or brought.remove:
            return brought
        await self._do.read.settle(course, brought)
        return None

    async def _follow_moves(
        self, course: Course, planned: Plan, brought: list[Reading], left: Collection[str]
    ) -> list[Reading]:
        """Read on wherever something may have gone that is about to be removed; what is left to be removed.

        Calendars are asked one after another, and after the home: of what is moved in between, one tells that it left,
        while another was asked before it came, or not at all; and while this reads on, which is why it looks once more
        where it had to. What this finds to have left is for the next pass.
        """
        steps = [step for step in planned.steps if step.readable]
        frees = [await self._do.remove.frees(course.claim, reading.remove) for reading in brought]
        if len(steps) == 1 or not any(frees):
            return brought
        came, before = set[str](), {step.calendar_id: step.shown for step in steps}
        for _ in range(_LOOKS):
            now = shown(by_id(course.claim, await course.account.calendars()))
            moved = [
                one for one in steps if replace(one, shown=before[one.calendar_id]).moved(now.get(one.calendar_id))
            ]
            for step in moved:
                _log.info("changed_meanwhile", calendar_id=step.calendar_id)
                came |= await self._do.read.again(course, step)
            if not moved or course.removals_wait(left):
                break
            before |= now
        return [_without(one, came) for one in brought]

    async def _remove(self, course: Course, brought: list[Reading], gone: list[Step]) -> None:
        if (brought or gone) and course.removals_wait([step.calendar_id for step in gone]):
            _log.info("removals_wait", calendars=len(brought) + len(gone))
            for reading in brought:
                await self._do.read.wait(course, reading)
            return
        for reading in brought:
            course.removed += await self._do.remove(
                course.claim, reading.remove, as_of=course.as_of, reason=RemovalReason.DELETED
            )
            await (self._do.read.wait if reading.back else self._do.read.settle)(course, reading)
        for step in gone:
            await self._do.missed.leave(course, step)

    def _course(self, claim: Claim, account: Account) -> Course:
        revisions = claim.revisions()
        own = OwnAppointments(self._do.jobs, claim, account)
        look = Look(
            as_of=claim.claimed_at,
            horizon=self._horizon.around(claim.claimed_at),
            zone=ZoneInfo(claim.time_zone),
            addresses=frozenset({*account.home.addresses, account.home.principal} if account.home else ()),
            own=own.names,
        )
        return Course(
            claim=claim,
            account=account,
            objects=own,
            look=look,
            revisions=revisions,
            progress=Progress(self._do.tell, claim, revisions),
        )


def _without(reading: Reading, came: AbstractSet[str]) -> Reading:
    """The reading once some of it is there again. It may go once more: that can be told from before it went only."""
    remove = tuple(each for each in reading.remove if each not in came)
    return replace(reading, remove=remove, back=len(remove) < len(reading.remove))
