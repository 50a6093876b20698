"""From a calendar's hrefs to events on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from icloud import Absence, CalendarObject, Missing, event_id, uid_hash
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import PublishStates, digest
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.outbox import (
    MISSING,
    Content,
    Imported,
    Known,
    Quarantine,
    Refresh,
    State,
    blocking,
    content_of,
    judged,
)
from sync_worker.domain.values import Span, Unreadable

BATCH: Final = 50
"""Objects in memory at once; as many as one request to iCloud fetches."""
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

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        """All or nothing; states wait for publication from here on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the objects of one pass are read."""

    as_of: datetime
    horizon: Span
    zone: ZoneInfo
    addresses: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Objects of one calendar, the ETag that was listed by href."""

    calendar_id: str
    path: str = field(repr=False)
    etags: Mapping[str, str] = field(repr=False)


class ImportObjects:
    """Fetches objects batch by batch; each batch is kept, published and marked before the next one is asked for."""

    def __init__(self, objects: Objects, publish: PublishStates) -> None:
        self._objects = objects
        self._publish = publish

    async def __call__(
        self, claim: Claim, source: Source, wanted: Wanted, look: Look, told: Callable[[int], Awaitable[None]]
    ) -> list[str]:
        """Import; `told` hears the size of each batch. Returns the hrefs that did not come though they were listed."""
        missing: list[str] = []
        batch: list[CalendarObject | Missing] = []
        async for one in source.objects(wanted.path, list(wanted.etags)):
            if isinstance(one, Missing) and one.why in (Absence.GONE, Absence.UNANSWERED):
                missing.append(one.href)
                continue
            batch.append(one)
            if len(batch) == BATCH:
                await self._keep(claim, wanted, look, batch)
                await told(len(batch))
                batch = []
        if batch:
            await self._keep(claim, wanted, look, batch)
            await told(len(batch))
        return missing

    async def give_up(self, claim: Claim, wanted: Wanted, look: Look) -> None:
        """Quarantine objects that are listed and never come. What is known of them goes on blocking."""
        hrefs = list(wanted.etags)
        for start in range(0, len(hrefs), BATCH):
            await self._keep(claim, wanted, look, [Missing(href) for href in hrefs[start : start + BATCH]])

    async def _keep(self, claim: Claim, wanted: Wanted, look: Look, batch: Sequence[CalendarObject | Missing]) -> None:
        ids = {one.href: event_id(claim.connection_id, one.href) for one in batch}
        known = await self._objects.known(claim, ids.values())
        writes: list[State | Refresh] = []
        for n, one in enumerate(batch):
            if n % _NAP_EVERY == _NAP_EVERY - 1:
                await asyncio.sleep(0)
            write = _judged(claim, wanted, look, one, known.get(ids[one.href]))
            if write is not None:
                writes.append(write)
        metrics.READ.inc(len(batch))
        if writes:
            await self._objects.write(claim, writes)
            await self._publish(claim, [write for write in writes if not isinstance(write, Refresh)])


def _judged(
    claim: Claim, wanted: Wanted, look: Look, one: CalendarObject | Missing, known: Known | None
) -> State | Refresh | None:
    etag, content, quarantine = _read(claim, wanted, look, one)
    if quarantine is not None:
        metrics.QUARANTINED.labels(quarantine.reason).inc()
    if content is None and known is not None and known.alive:
        # No time can be told any more: what was known goes on blocking.
        news = (known.etag, known.basis, known.quarantine) != (etag, claim.basis, quarantine)
        return Refresh(known.event_id, etag, claim.basis, quarantine) if news else None
    content = content or Content(uid_hash(claim.connection_id, one.href), None, all_day=False, groups=())
    own_id = event_id(claim.connection_id, one.href)
    fresh = Imported(
        event_id=own_id,
        calendar_id=wanted.calendar_id,
        href=one.href,
        etag=etag,
        basis=claim.basis,
        epoch=claim.epoch,
        revision=0,
        digest=digest(claim, own_id, wanted.calendar_id, content),
        as_of=int(look.as_of.timestamp()),
        horizon=look.horizon,
        content=content,
        quarantine=quarantine,
    )
    return judged(known, fresh)


def _read(
    claim: Claim, wanted: Wanted, look: Look, one: CalendarObject | Missing
) -> tuple[str, Content | None, Quarantine | None]:
    """ETag, what can be told, and why it is not all."""
    if isinstance(one, Missing):
        lagging = one.why in (Absence.GONE, Absence.UNANSWERED)
        # Without an ETag it differs from any listing, so that it is asked for again.
        return ("", None, Quarantine(MISSING)) if lagging else (wanted.etags[one.href], None, Quarantine(one.why))
    try:
        read = read_object(one.text, horizon=look.horizon, zone=look.zone, addresses=look.addresses)
    except Unreadable as flaw:
        stand_in = uid_hash(claim.connection_id, one.href)
        return one.etag, blocking(flaw, stand_in), Quarantine(flaw.reason, flaw.span)
    return one.etag, content_of(read, uid_hash(claim.connection_id, read.uid or one.href), titles=claim.titles), None
