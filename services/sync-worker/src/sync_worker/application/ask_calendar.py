"""What is new in one calendar."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from icloud import TokenDead, event_id
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.accounts import Account
from sync_worker.application.claim import Claim
from sync_worker.application.import_objects import Look
from sync_worker.domain import changes, guard
from sync_worker.domain.changes import expected_in
from sync_worker.domain.outbox import MISSING, Imported, Known, State
from sync_worker.domain.passes import How, Shown, Step
from sync_worker.domain.values import Span

_log = get_logger("sync_worker.ask_calendar")

_LOADED_AT_ONCE: Final = 200
"""Full states in memory while it is judged whether a listing should have named them."""


class Objects(Protocol):
    """The kept objects of one calendar."""

    async def of_calendar(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """All that are not gone."""

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """Those that cannot be read."""

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, State]:
        """Full states; an id that is not kept is left out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be fetched (ETag by href) and removed (event ids), and from where the next pass may then go on.

    `held`: the listing is not believed; nothing is removed on its word and nothing goes on from it.
    """

    step: Step
    shown: Shown
    fetch: Mapping[str, str] = field(repr=False)
    remove: tuple[str, ...]
    token: str | None = field(repr=False)
    held: bool = False


class AskCalendar:
    """Asks for changes, or lists the calendar anew where there is nothing to go on from."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def __call__(self, claim: Claim, account: Account, step: Step, look: Look) -> Reading:
        """Raises what `account` raises, except TokenDead."""
        if step.shown is None:
            raise ValueError("a calendar that is not shown cannot be asked")
        token = step.tracked.token if step.tracked and step.how is How.CHANGES else None
        if token is not None:
            try:
                return await self._changes(claim, account, step, step.shown, token)
            except TokenDead:
                _log.info("token_dead", calendar_id=step.calendar_id)
        return await self._listing(claim, account, step, step.shown, look.horizon)

    async def _changes(self, claim: Claim, account: Account, step: Step, shown: Shown, token: str) -> Reading:
        found = await account.changes(shown.path, token)
        fetch = dict(found.changed)
        if step.tracked is not None and step.tracked.quarantine_told:
            for lost in await self._objects.quarantined(claim, step.calendar_id):
                if lost.quarantine and lost.quarantine.reason == MISSING and lost.href not in found.removed:
                    fetch.setdefault(lost.href, "")
        remove = tuple(event_id(claim.connection_id, href) for href in sorted(found.removed))
        return Reading(step, shown, fetch, remove, found.token)

    async def _listing(self, claim: Claim, account: Account, step: Step, shown: Shown, window: Span) -> Reading:
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.start, window.end))
        listed = await account.listing(shown.path, start, end)
        kept = {one.href: one for one in await self._objects.of_calendar(claim, step.calendar_id)}
        expected = await self._expected(claim, window, [one for one in kept.values() if one.href not in listed])
        known = {
            # What was read under another basis equals no ETag.
            href: changes.Known(
                one.etag if one.basis == claim.basis else "", expected=href in listed or one.event_id in expected
            )
            for href, one in kept.items()
        }
        diff = changes.changes(known, listed)
        fetch = {href: listed[href] for href in diff.added_or_changed}
        provable = sum(one.expected for one in known.values())
        verdict = guard.judge(known=provable, removed=len(diff.removed))
        if isinstance(verdict, guard.Hold):
            metrics.HELD.labels(verdict.doubt.value).inc()
            _log.warning(
                "removals_held",
                calendar_id=step.calendar_id,
                doubt=verdict.doubt.value,
                known=provable,
                missing=len(diff.removed),
            )
            return Reading(step, shown, fetch, (), None, held=True)
        return Reading(step, shown, fetch, tuple(kept[href].event_id for href in diff.removed), shown.token)

    async def _expected(self, claim: Claim, window: Span, unlisted: Sequence[Known]) -> set[str]:
        """Ids of those that a listing of this window must name if they still exist."""
        timeless = {one.event_id for one in unlisted if one.extent is None and one.quarantine}
        near = [
            one.event_id for one in unlisted if one.extent and expected_in(window, [(one.extent.start, one.extent.end)])
        ]
        found = set(timeless)
        for start in range(0, len(near), _LOADED_AT_ONCE):
            states = await self._objects.newest(claim, near[start : start + _LOADED_AT_ONCE])
            for state in states.values():
                if isinstance(state, Imported):
                    spans = (span for group in state.content.groups for span in group.spans)
                    if expected_in(window, spans):
                        found.add(state.event_id)
        return found
