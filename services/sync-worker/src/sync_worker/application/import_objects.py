"""From a calendar's hrefs to events on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from icloud import Absence, CalendarObject, Missing, event_id
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.judge_object import Look, Wanted, judged_object, judged_without_room
from sync_worker.application.publish_states import PublishStates
from sync_worker.application.turns import Turns
from sync_worker.domain.outbox import Imported, Known, Refresh, State
from sync_worker.domain.room import fits, grows, taken_by, taken_by_known

BATCH: Final = 250
"""Objects that are fetched, kept and published together: as many as one request to iCloud fetches at most."""
_CHARACTERS: Final = 2_000_000
"""Text in memory at which a batch is full, however few its objects."""
_OCCURRENCES: Final = 20_000
"""The same for what was read of it; one object may have 5,000."""
_SECONDS: Final = 10.0
"""After which what came is kept, however little it is: of a slow server a pass that is broken off loses no more."""
_FEW: Final = 10
"""What one account changes now and then waits for no turn."""
_NAP_EVERY: Final = 10
"""Objects read between two looks at the event loop: about a millisecond of work."""


class Source(Protocol):
    """Where a calendar's objects come from."""

    def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        """Each href once, in order, streamed."""


class Objects(Protocol):
    """The kept objects. A write raises LeaseLost when the claim's fence is overtaken, and then nothing was written."""

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        """Those that are kept, gone ones included, by event id."""

    async def taken(self, claim: Claim) -> int:
        """Of the connection's room for occurrences (`domain.room`), by all that is kept."""

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        """All or nothing; states wait for publication from here on."""


@dataclass(slots=True)
class Lag:
    """What iCloud has not caught up with: hrefs that were listed and did not come, and those that came otherwise.

    A version other than the listed one may be the one before it.
    """

    missing: list[str] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)
    """By href the ETag under which each was listed."""


class ImportObjects:
    """Fetches objects batch by batch; each batch is kept, published and marked before the next one is asked for."""

    def __init__(self, objects: Objects, publish: PublishStates) -> None:
        self._objects = objects
        self._publish = publish
        self._turns = Turns()

    async def __call__(
        self, claim: Claim, source: Source, wanted: Wanted, look: Look, told: Callable[[int], Awaitable[None]]
    ) -> Lag:
        """Import; `told` hears the size of each batch.

        What comes in another version is imported all the same, unless the wanted one is kept and only read again.
        """
        lag = Lag()
        hrefs = list(wanted.etags)
        for start in range(0, len(hrefs), BATCH):
            some = hrefs[start : start + BATCH]
            batches = _batches(source.objects(wanted.path, some), wanted, lag)
            if len(some) <= _FEW:
                async for batch in batches:
                    await self._keep(claim, wanted, look, batch, lag)
                    await told(len(batch))
                continue
            async with self._turns.one() as turn:
                async for batch in batches:
                    async with turn.work():
                        await self._keep(claim, wanted, look, batch, lag)
                        await told(len(batch))
        return lag

    async def give_up(self, claim: Claim, wanted: Wanted, look: Look) -> None:
        """Quarantine objects that are listed and never come. What is known of them goes on blocking."""
        hrefs = list(wanted.etags)
        for start in range(0, len(hrefs), BATCH):
            await self._keep(claim, wanted, look, [Missing(href) for href in hrefs[start : start + BATCH]], Lag())

    async def _keep(
        self, claim: Claim, wanted: Wanted, look: Look, batch: Sequence[CalendarObject | Missing], lag: Lag
    ) -> None:
        ids = {one.href: event_id(claim.connection_id, one.href) for one in batch}
        known = await self._objects.known(claim, ids.values())
        writes: list[State | Refresh] = []
        occurrences = 0
        for n, one in enumerate(batch):
            if n % _NAP_EVERY == _NAP_EVERY - 1:
                await asyncio.sleep(0)
            before = known.get(ids[one.href])
            # What was asked for along the way, in any version, may have been listed in another before it was given up.
            listed = before.listed_as(one.etag) if before and isinstance(one, CalendarObject) else ""
            if listed and not wanted.etags[one.href]:
                lag.stale[one.href] = listed
            write = judged_object(claim, wanted, look, one, before)
            if isinstance(write, Imported):
                write = await self._with_room(claim, write, before)
            if write is None:
                continue
            writes.append(write)
            occurrences += _occurrences(write)
            if occurrences >= _OCCURRENCES:
                await self._write(claim, writes)
                writes, occurrences = [], 0
        metrics.READ.inc(len(batch))
        await self._write(claim, writes)

    async def _with_room(self, claim: Claim, read: Imported, known: Known | None) -> State | Refresh | None:
        """What is to be written once it is known whether there is room; the store is asked once in a pass at most.

        What goes in the same pass makes room for the next one.
        """
        trail = claim.trail
        write: State | Refresh | None = read
        if grows(known, read):
            if trail.taken is None:
                trail.taken = await self._objects.taken(claim)
            if not fits(known, read, trail.taken):
                write = judged_without_room(claim, read, known)
        if trail.taken is not None and isinstance(write, Imported):
            trail.taken += taken_by(write.content.occurrences) - taken_by_known(known)
        return write

    async def _write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        if writes:
            await self._objects.write(claim, writes)
            await self._publish(claim, [write for write in writes if not isinstance(write, Refresh)])


async def _batches(
    found: AsyncIterator[CalendarObject | Missing], wanted: Wanted, lag: Lag
) -> AsyncIterator[list[CalendarObject | Missing]]:
    """What came, as much of it at a time as memory is to hold; what iCloud lags behind with is noted in `lag`."""
    batch: list[CalendarObject | Missing] = []
    characters, overdue = 0, _now() + _SECONDS
    async for one in found:
        if isinstance(one, CalendarObject):
            characters += len(one.text)
            if one.etag and one.etag != (wanted.etags.get(one.href) or one.etag):
                lag.stale[one.href] = wanted.etags[one.href]
        elif one.why in (Absence.GONE, Absence.UNANSWERED):
            lag.missing.append(one.href)
            continue
        batch.append(one)
        if characters >= _CHARACTERS or _now() >= overdue:
            yield batch
            batch, characters, overdue = [], 0, _now() + _SECONDS
    if batch:
        yield batch


def _now() -> float:
    return asyncio.get_running_loop().time()


def _occurrences(write: State | Refresh) -> int:
    return write.content.occurrences if isinstance(write, Imported) else 0
