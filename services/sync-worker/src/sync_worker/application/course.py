"""A pass under way."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.events import CalendarAge, CalendarState
from sync_worker.application.accounts import Account
from sync_worker.application.claim import Claim
from sync_worker.application.import_objects import Source
from sync_worker.application.judge_object import Look
from sync_worker.application.tell import Progress, Reached
from sync_worker.domain.guard import Doubt
from sync_worker.domain.tracked import PATIENCE, Tracked


@dataclass(slots=True, kw_only=True)
class Course:
    """What one pass works with and has come to so far.

    `behind` are the calendars that it did not read to the end, and those of which removals are held; `settled` those
    of which all is done.
    """

    claim: Claim
    account: Account
    objects: Source
    """Where objects are fetched from."""
    look: Look
    revisions: Iterator[int]
    progress: Progress
    behind: dict[str, Tracked] = field(default_factory=dict)
    settled: dict[str, Tracked] = field(default_factory=dict)
    imported: int = 0
    removed: int = 0

    @property
    def as_of(self) -> int:
        """The moment of the pass, in epoch seconds."""
        return int(self.look.as_of.timestamp())

    @property
    def now(self) -> datetime:
        """When its lease was taken, by the store's clock, since workers' own need not agree: all was read later.

        Whoever hears of a moment that is ahead never comes back behind it.
        """
        return self.claim.claimed_at

    @property
    def aged(self) -> Mapping[str, Tracked]:
        """Those of `behind` that are not known up to this pass: what somebody has said to keep makes none older."""
        return {one: tracked for one, tracked in sorted(self.behind.items()) if tracked.is_behind}

    async def heard(self, imported: int) -> None:
        """So many more objects were read."""
        self.imported += imported
        await self.progress.heard(imported)

    def removals_wait(self, gone: Collection[str] = ()) -> bool:
        """Whether what vanished may only have moved to a calendar that could not be read just now.

        Nothing can have moved to those that are `gone` for good.
        """
        return any(self._awaited(tracked) for one, tracked in self.behind.items() if one not in gone)

    def _awaited(self, tracked: Tracked) -> bool:
        if tracked.hold is not None and tracked.hold.doubt is Doubt.VANISHED:
            return tracked.hold.young(self.now)
        return 0 < tracked.failures < PATIENCE

    def reached(self) -> Reached:
        """How far it has come."""
        return Reached(self.as_of, self._ages(), self._known())

    def _known(self) -> tuple[int, int]:
        """What every conflict calendar was read for; of one that is gone, or was never read, that is told otherwise."""
        tracked = {**self.claim.calendars, **self.behind, **self.settled}
        read = [one.covered for name, one in tracked.items() if name in self.claim.conflict_calendars and one.covered]
        horizon = self.look.horizon
        return horizon.start, min([horizon.end, *read])

    def _ages(self) -> tuple[CalendarAge, ...]:
        """The calendars that are not known up to this pass; one that never was has the age 0."""
        return tuple(
            CalendarAge(
                id=one,
                as_of=int(tracked.read_until.timestamp()) if tracked.read_until else 0,
                state=CalendarState.HELD if tracked.waits_for_answer else CalendarState.FAILED,
            )
            for one, tracked in self.aged.items()
        )
