"""From one calendar object as it came to what is to be kept of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from icloud import Absence, CalendarObject, Missing, event_id, uid_hash
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import digest
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
from sync_worker.domain.ownership import Own
from sync_worker.domain.room import crowded_out, in_one
from sync_worker.domain.values import Span, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the objects of one pass are read."""

    as_of: datetime
    horizon: Span
    zone: ZoneInfo
    addresses: frozenset[str] = field(repr=False)
    own: Own = field(default_factory=dict, repr=False)
    """The user's own appointments, as far as they matter (`OwnAppointments`)."""

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
    anyhow: Collection[str] = field(default=(), repr=False)
    """Hrefs of those that may come in any version, even where the wanted one is kept and only to be read again."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What can be told of an object, why it is not all, and what that hangs on."""

    etag: str
    content: Content | None
    quarantine: Quarantine | None
    basis: str
    origin: Origin | None = None


def judged_object(
    claim: Claim, wanted: Wanted, look: Look, one: CalendarObject | Missing, known: Known | None
) -> State | Refresh | None:
    """What is to be written of an object: a new revision, a note, or nothing. The same text is not read again."""
    if isinstance(one, CalendarObject) and known is not None and _may_be_older(wanted, look, one, known):
        return None
    if (
        known is not None
        and isinstance(one, CalendarObject)
        and known.is_read_from(look.digest(one.text), claim.bases, look.horizon)
    ):
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


def judged_without_room(claim: Claim, read: Imported, known: Known | None) -> State | Refresh | None:
    """The same for a reading for which the connection has no room: one span stands for all its time."""
    content = in_one(read.content)
    kept = crowded_out(read, content, digest(claim, read.event_id, read.calendar_id, content))
    if read.quarantine is None:
        _count(kept.quarantine)
    return judged(known, kept)


def _may_be_older(wanted: Wanted, look: Look, one: CalendarObject, known: Known) -> bool:
    """Whether another text came under another ETag than what is asked for and kept: the version before it, perhaps."""
    asked = wanted.etags.get(one.href)
    if not (asked and one.etag and known.alive) or known.etag != asked or one.etag == asked:
        return False
    return one.href not in wanted.anyhow and (known.origin is None or known.origin.digest != look.digest(one.text))


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
            return _Told("", None, Quarantine(MISSING, listed=wanted.etags[one.href]), claim.basis)
        return _Told(wanted.etags[one.href], None, Quarantine(one.why), claim.basis)
    digest_of_text = look.digest(one.text)
    try:
        read = read_object(one.text, horizon=look.horizon, zone=look.zone, addresses=look.addresses, own=look.own)
    except Unreadable as flaw:
        stand_in = uid_hash(claim.connection_id, one.href)
        told, why = blocking(flaw, stand_in), Quarantine(flaw.reason, flaw.span)
        return _Told(one.etag, told, why, claim.basis, Origin(digest_of_text, look.horizon.end))
    origin = Origin(digest_of_text, look.horizon.end if read.goes_on else END_OF_TIME, read.tied_to)
    content = content_of(read, uid_hash(claim.connection_id, read.uid or one.href), titles=claim.titles)
    return _Told(one.etag, content, None, claim.basis if read.floating else claim.zoneless_basis, origin)
