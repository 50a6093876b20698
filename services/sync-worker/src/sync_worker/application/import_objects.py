"""From a calendar's hrefs to events on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from icloud import Absence, CalendarObject, Missing, event_id, uid_hash
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import PublishStates, digest
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.outbox import (
    END_OF_TIME,
    MISSING,
    Content,
    Imported,
    Known,
    Origin,
    Quarantine,
    Refresh,
    State,
    blocking,
    content_of,
    judged,
    only_the_past_was_cut_off,
    unread,
)
from sync_worker.domain.values import Span, Unreadable

BATCH: Final = 250
"""Objects that are fetched, kept and published together: as many as one request to iCloud fetches at most."""
_CHARACTERS: Final = 2_000_000
"""Text in memory at which a batch is full, however few its objects."""
_OCCURRENCES: Final = 20_000
"""The same for what was read of it; one object may have 5,000."""
_FEW: Final = 10
_LARGE_AT_ONCE: Final = 8
"""Batches of more than a few objects in memory at once. They take turns, so that the nearest days of all accounts come
before the farther ones of any; what one account changes now and then waits for none of them."""
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

    def digest(self, text: str) -> str:
        """Of a text and of whose it is. What else its meaning hangs on is the claim's basis and the horizon."""
        whose = "\n".join(sorted(self.addresses))
        return blake2b(f"{whose}\0{text}".encode(errors="surrogatepass"), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Objects of one calendar, the ETag that was listed by href."""

    calendar_id: str
    path: str = field(repr=False)
    etags: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Lag:
    """What iCloud has not caught up with: hrefs that were listed and did not come, and those that came otherwise.

    A version other than the listed one may be the one before it.
    """

    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


class ImportObjects:
    """Fetches objects batch by batch; each batch is kept, published and marked before the next one is asked for."""

    def __init__(self, objects: Objects, publish: PublishStates) -> None:
        self._objects = objects
        self._publish = publish
        self._turns = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def __call__(
        self, claim: Claim, source: Source, wanted: Wanted, look: Look, told: Callable[[int], Awaitable[None]]
    ) -> Lag:
        """Import; `told` hears the size of each batch. What comes in another version is imported all the same."""
        lag = Lag()
        hrefs = list(wanted.etags)
        for start in range(0, len(hrefs), BATCH):
            some = hrefs[start : start + BATCH]
            async with self._turns if len(some) > _FEW else nullcontext():
                async for batch in _batches(source.objects(wanted.path, some), wanted, lag):
                    await self._keep(claim, wanted, look, batch)
                    await told(len(batch))
        return lag

    async def give_up(self, claim: Claim, wanted: Wanted, look: Look) -> None:
        """Quarantine objects that are listed and never come. What is known of them goes on blocking."""
        hrefs = list(wanted.etags)
        for start in range(0, len(hrefs), BATCH):
            await self._keep(claim, wanted, look, [Missing(href) for href in hrefs[start : start + BATCH]])

    async def _keep(self, claim: Claim, wanted: Wanted, look: Look, batch: Sequence[CalendarObject | Missing]) -> None:
        ids = {one.href: event_id(claim.connection_id, one.href) for one in batch}
        known = await self._objects.known(claim, ids.values())
        writes: list[State | Refresh] = []
        occurrences = 0
        for n, one in enumerate(batch):
            if n % _NAP_EVERY == _NAP_EVERY - 1:
                await asyncio.sleep(0)
            write = _judged(claim, wanted, look, one, known.get(ids[one.href]))
            if write is None:
                continue
            writes.append(write)
            occurrences += _occurrences(write)
            if occurrences >= _OCCURRENCES:
                await self._write(claim, writes)
                writes, occurrences = [], 0
        metrics.READ.inc(len(batch))
        await self._write(claim, writes)

    async def _write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        if writes:
            await self._objects.write(claim, writes)
            await self._publish(claim, [write for write in writes if not isinstance(write, Refresh)])


async def _batches(
    found: AsyncIterator[CalendarObject | Missing], wanted: Wanted, lag: Lag
) -> AsyncIterator[list[CalendarObject | Missing]]:
    """What came, as much of it at a time as memory is to hold; what iCloud lags behind with is noted in `lag`."""
    batch: list[CalendarObject | Missing] = []
    characters = 0
    async for one in found:
        if isinstance(one, CalendarObject):
            characters += len(one.text)
            if one.etag and one.etag != (wanted.etags.get(one.href) or one.etag):
                lag.stale.append(one.href)
        elif one.why in (Absence.GONE, Absence.UNANSWERED):
            lag.missing.append(one.href)
            continue
        batch.append(one)
        if characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _occurrences(write: State | Refresh) -> int:
    return sum(len(group.spans) for group in write.content.groups) if isinstance(write, Imported) else 0


@dataclass(frozen=True, slots=True)
class _Told:
    """What can be told of an object, why it is not all, and what that hangs on."""

    etag: str
    content: Content | None
    quarantine: Quarantine | None
    basis: str
    origin: Origin | None = None


def _judged(
    claim: Claim, wanted: Wanted, look: Look, one: CalendarObject | Missing, known: Known | None
) -> State | Refresh | None:
    if known is not None and isinstance(one, CalendarObject):
        bases = (claim.basis, claim.zoneless_basis)
        if known.is_read_from(look.digest(one.text), bases, look.horizon):
            _count(known.quarantine)
            return unread(known, one.etag)
    told = _read(claim, wanted, look, one)
    _count(told.quarantine)
    if told.content is None and known is not None and known.alive:
        # No time can be told any more: what was known goes on blocking.
        news = (known.etag, known.basis, known.quarantine) != (told.etag, told.basis, told.quarantine)
        return Refresh(known.event_id, told.etag, told.basis, told.quarantine, told.origin) if news else None
    fresh = _imported(claim, wanted, look, one.href, told)
    wider = only_the_past_was_cut_off(known, fresh)
    if wider and known:
        before = replace(look, horizon=wider)
        if _imported(claim, wanted, before, one.href, _read(claim, wanted, before, one)).digest == known.digest:
            fresh = replace(fresh, digest=known.digest)
    return judged(known, fresh)


def _count(quarantine: Quarantine | None) -> None:
    if quarantine is not None:
        metrics.QUARANTINED.labels(quarantine.reason).inc()


def _imported(claim: Claim, wanted: Wanted, look: Look, href: str, told: _Told) -> Imported:
    own_id = event_id(claim.connection_id, href)
    content = told.content or Content(uid_hash(claim.connection_id, href), None, all_day=False, groups=())
    return Imported(
        event_id=own_id,
        calendar_id=wanted.calendar_id,
        href=href,
        etag=told.etag,
        basis=told.basis,
        epoch=claim.epoch,
        revision=0,
        digest=digest(claim, own_id, wanted.calendar_id, content),
        as_of=int(look.as_of.timestamp()),
        horizon=look.horizon,
        content=content,
        quarantine=told.quarantine,
        origin=told.origin,
    )


def _read(claim: Claim, wanted: Wanted, look: Look, one: CalendarObject | Missing) -> _Told:
    if isinstance(one, Missing):
        if one.why in (Absence.GONE, Absence.UNANSWERED):
            # Without an ETag it differs from any listing, so that it is asked for again.
            return _Told("", None, Quarantine(MISSING), claim.basis)
        return _Told(wanted.etags[one.href], None, Quarantine(one.why), claim.basis)
    digest_of_text = look.digest(one.text)
    try:
        read = read_object(one.text, horizon=look.horizon, zone=look.zone, addresses=look.addresses)
    except Unreadable as flaw:
        stand_in = uid_hash(claim.connection_id, one.href)
        told, why = blocking(flaw, stand_in), Quarantine(flaw.reason, flaw.span)
        return _Told(one.etag, told, why, claim.basis, Origin(digest_of_text, look.horizon.end))
    origin = Origin(digest_of_text, look.horizon.end if read.goes_on else END_OF_TIME)
    content = content_of(read, uid_hash(claim.connection_id, read.uid or one.href), titles=claim.titles)
    return _Told(one.etag, content, None, claim.basis if read.floating else claim.zoneless_basis, origin)
