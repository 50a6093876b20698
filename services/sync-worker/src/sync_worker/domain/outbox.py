"""Objects as they are kept: what is known of each, and whether a fresh reading is news."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.values import FactGroup, Facts, ImportedObject, Span, Unreadable

MISSING: Final = "missing"
"""Listed, and yet never handed out."""
CROWDED_OUT: Final = "too_many_in_all"
"""It could be read, and the connection has no room for its occurrences (`room`)."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an event says to others; all that leaves the worker of a calendar object."""

    uid_hash: str
    title: str | None = field(repr=False)
    all_day: bool
    groups: tuple[FactGroup, ...]

    @property
    def extent(self) -> Span | None:
        """From the first start to the last end; None where there is no time at all."""
        spans = [span for group in self.groups for span in group.spans]
        return Span(min(start for start, _ in spans), max(end for _, end in spans)) if spans else None

    @property
    def occurrences(self) -> int:
        """How many there are."""
        return sum(len(group.spans) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why an object could not be read, and the time that could be told."""

    reason: str
    span: Span | None = None
    occurrences: int = field(default=0, repr=False)
    """How many it would have, had there been room for them. What was told is known by the words of the rest."""
    listed: str = field(default="", repr=False)
    """The ETag under which it was last listed, of what never came; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an object was read from: a digest of its text, and up to when all that the text tells of has been found.

    `tied_to` are the user's appointments (by name) whose time, and not the text alone, decides whether it is one.
    """

    digest: str
    until: int
    tied_to: tuple[str, ...] = ()


END_OF_TIME: Final = 2**53
"""For a text that tells of nothing later than what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A calendar object as last read. `revision` grows with each change of `digest`, which is of the event's body."""

    event_id: str
    calendar_id: str
    href: str = field(repr=False)
    etag: str
    basis: str
    epoch: int
    revision: int
    digest: str
    as_of: int
    horizon: Span
    content: Content
    quarantine: Quarantine | None = None
    origin: Origin | None = None
    """None: there was no text."""
    was: str = field(default="", repr=False, compare=False)
    """The ETag of the version before, which said something else; empty where there was none. It is no part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A removed object. It is remembered for a while, so that its revision never restarts."""

    event_id: str
    calendar_id: str
    epoch: int
    revision: int
    as_of: int
    reason: str


State = Imported | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is needed of a kept object to judge a fresh reading."""

    event_id: str
    calendar_id: str
    href: str = field(repr=False)
    etag: str
    basis: str
    revision: int
    digest: str
    alive: bool
    extent: Span | None = None
    """From the first start to the last end of what is kept of it."""
    horizon: Span | None = None
    """The time that was looked at when its revision was made."""
    quarantine: Quarantine | None = None
    origin: Origin | None = None
    own: bool = False
    """It blocks nothing, because an appointment of the user's own does."""
    occurrences: int = 0
    """How many are kept of it; like `origin` only where it is to be judged."""
    was: str = field(default="", repr=False)
    """As `Imported.was`."""

    @property
    def is_crowded_out(self) -> bool:
        """Whether there was no room for its occurrences."""
        return self.quarantine is not None and self.quarantine.reason == CROWDED_OUT

    def newest(self, listed: str) -> str:
        """The ETag of the newest version that is known, of the kept one and of one that a whole listing shows.

        What a server shows late was there before; no version comes again under the same ETag.
        """
        return self.etag if self.alive and listed and listed == self.was else listed

    def listed_as(self, etag: str) -> str:
        """The ETag under which it was listed, if it never came and has now come under another; else nothing."""
        listed = self.quarantine.listed if self.alive and self.quarantine else ""
        return listed if etag and etag != listed else ""

    def is_read_from(self, digest: str, bases: Collection[str], horizon: Span) -> bool:
        """Whether reading a text of that digest, on one of these bases, could only give what is kept."""
        if not self.alive or self.origin is None or self.horizon is None or self.is_crowded_out:
            return False
        wide_enough = self.horizon.start <= horizon.start and self.origin.until >= horizon.end
        return wide_enough and self.origin.digest == digest and seen(self.basis, bases) is Basis.OURS


@dataclass(frozen=True, slots=True)
class Refresh:
    """The event says what it said before; only how it was read is to be noted."""

    event_id: str
    etag: str
    basis: str
    quarantine: Quarantine | None
    origin: Origin | None = None


def unread(known: Known, etag: str) -> Refresh | None:
    """What is to be written of an object whose text is the one that was read before."""
    return Refresh(known.event_id, etag, known.basis, known.quarantine, known.origin) if known.etag != etag else None


def only_the_past_was_cut_off(known: Known | None, read: Imported) -> Span | None:
    """The time to look at once more before `read` is called news; None where that could show nothing.

    A series loses its past as the horizon moves on. That alone changes nothing for anybody.
    """
    if known is None or not known.alive or known.horizon is None or known.digest == read.digest:
        return None
    start = known.horizon.start
    return Span(start, read.horizon.end) if start < read.horizon.start else None


def judged(known: Known | None, read: Imported) -> Imported | Refresh | None:
    """What is to be written of a fresh reading: a new revision, a note, or nothing. `read.revision` is not looked at.

    What has no time inside the horizon and is not kept yet is none of our business.
    """
    if not (known and known.alive) and not read.content.groups and read.quarantine is None:
        return None
    if known is None or not known.alive or known.digest != read.digest:
        return replace(read, revision=(known.revision if known else 0) + 1, was=_before(known, read.etag))
    if (known.etag, known.basis, known.quarantine) != (read.etag, read.basis, read.quarantine):
        return Refresh(read.event_id, read.etag, read.basis, read.quarantine, read.origin)
    return None


def _before(known: Known | None, etag: str) -> str:
    if known is None or not known.alive:
        return ""
    return known.etag if known.etag and known.etag != etag else known.was


def removal(known: Known, *, epoch: int, as_of: int, reason: str) -> Gone:
    """The end of a kept object, as its next revision."""
    return Gone(
        event_id=known.event_id,
        calendar_id=known.calendar_id,
        epoch=epoch,
        revision=known.revision + 1,
        as_of=as_of,
        reason=reason,
    )


def content_of(read: ImportedObject, uid_hash: str, *, titles: bool) -> Content:
    """What leaves the worker of an object that could be read; its title only where the user wants it."""
    return Content(uid_hash, read.title if titles else None, read.all_day, read.groups)


def as_busy(content: Content) -> Content:
    """What can be told of it whatever is wrong with it: its times, as busy."""
    spans = {(min(span), max(span)) for group in content.groups for span in group.spans}
    groups = (FactGroup(Facts(), tuple(sorted(spans))),) if spans else ()
    return Content(content.uid_hash, None, all_day=False, groups=groups)


def blocking(flaw: Unreadable, uid_hash: str) -> Content | None:
    """The time that can be told of an object that cannot be read, as busy; None when no time can be told."""
    if flaw.groups:
        return Content(uid_hash, None, all_day=False, groups=flaw.groups)
    if flaw.span:
        return Content(uid_hash, None, all_day=False, groups=(FactGroup(Facts(), ((flaw.span.start, flaw.span.end),)),))
    return None
