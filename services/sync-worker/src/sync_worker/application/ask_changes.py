"""What changed in one calendar since our token."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from icloud import Changes, TokenDead, event_id
from runtime.logs import get_logger
from sync_worker.application.claim import Claim
from sync_worker.application.compare_calendar import shown_of
from sync_worker.application.course import Course
from sync_worker.application.own_appointments import Undoubted
from sync_worker.application.publish_states import BATCH
from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.guard import Confirm, Hold, judge_named, matters
from sync_worker.domain.outbox import MISSING, Known
from sync_worker.domain.passes import Step

_log = get_logger("sync_worker.ask_changes")


class Objects(Protocol):
    """The kept objects of one calendar."""

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        """Those that are kept, gone ones included, by event id."""

    async def quarantined(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """Those that cannot be read."""

    async def outdated(self, claim: Claim, calendar_id: str) -> Mapping[str, str]:
        """ETags by href of those that were read on another basis than the claim's, or by an older version of us."""

    async def count(self, claim: Claim, calendar_id: str) -> int:
        """How many are not gone."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a server says has changed, and what of it is to be fetched, with what is read again for a reason of ours.

    `remove` are event ids. Where they are enough to matter, `doubtful` are so many of them that the guard counts (all
    but `Undoubted`); `said` is its word, `known` the calendar's size, changed objects aside, where it was asked for.
    """

    changes: Changes
    fetch: Mapping[str, str] = field(repr=False)
    remove: tuple[str, ...]
    said: Confirm | Hold
    known: int
    doubtful: int

    def over(self, listed: Mapping[str, str]) -> Mapping[str, str]:
        """What to fetch after a listing that was asked for earlier."""
        return {href: etag for href, etag in listed.items() if href not in self.changes.removed} | dict(self.fetch)


class AskChanges:
    """Asks what changed."""

    def __init__(self, objects: Objects, undoubted: Undoubted) -> None:
        self._objects = objects
        self._undoubted = undoubted

    async def __call__(self, course: Course, step: Step, token: str) -> Told:
        """Raises what the account raises, TokenDead among it."""
        found = await course.account.changes(shown_of(step).path, token)
        fetch = await self._unread(course.claim, found.changed)
        for href, etag in (await self._again(course.claim, step, found)).items():
            if href not in found.removed:
                fetch.setdefault(href, etag)
        remove = tuple(event_id(course.claim.connection_id, href) for href in sorted(found.removed))
        if not matters(len(remove)):
            return Told(found, fetch, remove, Confirm(), 0, 0)
        there = await self._alive(course.claim, remove)
        undoubted = len(await self._undoubted(course.claim, there))
        doubtful = len(there) - undoubted
        known = await self._size(course.claim, step, found.changed) - undoubted if matters(doubtful) else 0
        said = judge_named(known=known, removed=doubtful)
        return Told(found, fetch, tuple(one.event_id for one in there), said, known, doubtful)

    async def since_kept(self, course: Course, step: Step) -> Told | None:
        """What changed since the kept token; None where there is none or it is dead."""
        if step.tracked is None or step.tracked.token is None:
            return None
        try:
            return await self(course, step, step.tracked.token)
        except TokenDead:
            _log.info("token_dead", calendar_id=step.calendar_id)
            return None

    async def _unread(self, claim: Claim, changed: Mapping[str, str]) -> dict[str, str]:
        """What a pass that was broken off has not brought yet."""
        unread: dict[str, str] = {}
        hrefs = list(changed)
        for start in range(0, len(hrefs), BATCH):
            ids = {href: event_id(claim.connection_id, href) for href in hrefs[start : start + BATCH]}
            known = await self._objects.known(claim, ids.values())
            unread |= {
                href: changed[href] for href, one in ids.items() if not _is_read(known.get(one), changed[href], claim)
            }
        return unread

    async def _again(self, claim: Claim, step: Step, found: Changes) -> Mapping[str, str]:
        """What never came as it was listed, or was read on another basis, or not read by an older version of us.

        Of what has changed since, the version that was waited for is the one before.
        """
        late = step.tracked.late if step.tracked else ()
        again = {href: etag for href, etag in late if href not in found.changed}
        if step.tracked is not None and step.tracked.quarantine_told:
            for lost in await self._objects.quarantined(claim, step.calendar_id):
                if lost.quarantine and lost.quarantine.reason == MISSING:
                    again.setdefault(lost.href, "")
                elif seen(lost.basis, claim.bases) is Basis.OLDER:
                    again.setdefault(lost.href, lost.etag)
        if step.tracked is not None and seen(step.tracked.basis, (claim.basis,)) is Basis.OTHER:
            # What is waited for is not what is kept of it.
            again = {**await self._objects.outdated(claim, step.calendar_id), **again}
        return again

    async def _size(self, claim: Claim, step: Step, changed: Collection[str]) -> int:
        """Of the calendar, without what these changes bring: a broken off pass may have kept that already."""
        brought = await self._alive(claim, [event_id(claim.connection_id, href) for href in changed])
        return await self._objects.count(claim, step.calendar_id) - len(brought)

    async def _alive(self, claim: Claim, event_ids: Sequence[str]) -> Sequence[Known]:
        alive: list[Known] = []
        for start in range(0, len(event_ids), BATCH):
            known = await self._objects.known(claim, event_ids[start : start + BATCH])
            alive += (one for one in known.values() if one.alive)
        return alive


def _is_read(known: Known | None, etag: str, claim: Claim) -> bool:
    if known is None or not known.alive or known.quarantine is not None:
        return False
    # Without an ETag nobody can tell.
    return bool(etag) and known.etag == etag and seen(known.basis, claim.bases) is not Basis.OTHER
