"""What is said about removals that are not believed."""

from contracts.events import HoldState
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.course import Course
from sync_worker.application.tell import Tell, removals
from sync_worker.domain.holds import Held, Verdict

_log = get_logger("sync_worker.tell_holds")
_ENDS = {Verdict.CONFIRMED: HoldState.CONFIRMED, Verdict.DROPPED: HoldState.DROPPED}


class TellHolds:
    """Says once that removals are held, once each time that somebody answers, and once what became of them."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def __call__(
        self, course: Course, calendar_id: str, holds: tuple[Held | None, Held | None], verdict: Verdict | None
    ) -> None:
        """Say what is news; `holds` are what was held before and what is held from here on."""
        before, after = holds
        if before is not None and verdict in _ENDS:
            await self._say(course, calendar_id, before, _ENDS[verdict])
            before = None
        if after is not None and (before is None or (after.doubt, after.missing) != (before.doubt, before.missing)):
            metrics.HELD.labels(after.doubt.value).inc()
            await self._say(course, calendar_id, after, HoldState.HELD)

    async def answered(self, course: Course, calendar_id: str, held: Held) -> None:
        """Say until when somebody wants to keep the events, or that this is over and it waits for an answer again."""
        _log.info("removals_kept" if held.answered else "removals_asked_again", **_facts(calendar_id, held))
        await self._tell.say(removals(course.claim, next(course.revisions), calendar_id, held, HoldState.HELD))

    async def _say(self, course: Course, calendar_id: str, held: Held, state: HoldState) -> None:
        _log.warning(f"removals_{state.value}", **_facts(calendar_id, held))
        await self._tell.say(removals(course.claim, next(course.revisions), calendar_id, held, state))


def _facts(calendar_id: str, held: Held) -> dict[str, str | int]:
    return {"calendar_id": calendar_id, "doubt": held.doubt.value, "known": held.known, "missing": held.missing}
