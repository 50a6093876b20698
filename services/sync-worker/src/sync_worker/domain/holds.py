"""Removals that are not believed yet: how long they wait, and what a second look makes of them."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Final

from sync_worker.domain.guard import ALWAYS_BELIEVED, Confirm, Doubt, Hold, judge

WAIT: Final = timedelta(minutes=10)
"""From a doubt to the second look, and between two looks."""
KEPT: Final = timedelta(days=1)
"""For so long removals are not believed that the user does not want."""


class Wish(StrEnum):
    """What the user, or ops, said about a calendar's held removals."""

    CONFIRM = "confirm"
    """They are meant: carry them out now."""
    KEEP = "keep"
    """They are not meant: do not believe them for a day."""


@dataclass(frozen=True, slots=True)
class Held:
    """Removals of one calendar that wait. `missing` of its `known` objects are gone, if the answer was true."""

    doubt: Doubt
    since: datetime
    looked_at: datetime
    known: int
    missing: int
    kept_until: datetime | None = None
    newcomers: tuple[str, ...] = ()
    """Calendars that nobody has chosen or left out yet and that came since this one vanished: one may be the same."""
    epoch: int | None = None
    """The connection's when these were noted last: with a reconnect others hear of the home without us."""

    def due(self, now: datetime) -> bool:
        """Whether it is time for another look."""
        return now - self.looked_at >= WAIT

    def ripe(self, now: datetime) -> bool:
        """Whether a look that agrees is enough to carry the removals out."""
        return now - self.since >= WAIT and not self.wanted(now)

    def wanted(self, now: datetime) -> bool:
        """Whether somebody has said that what is missing is not meant to go: then nothing of it does."""
        return self.kept_until is not None and now < self.kept_until

    @property
    def answered(self) -> bool:
        """Whether somebody has said that what is missing stays: nobody is waited for until that is over."""
        return self.kept_until is not None

    def asks_again(self, now: datetime) -> bool:
        """Whether the day is over for which nothing was to be believed."""
        return self.kept_until is not None and now >= self.kept_until

    @property
    def may_be_replaced(self) -> bool:
        """Whether what a vanished calendar held may lie in another one that nobody reads yet."""
        return bool(self.known and self.newcomers)

    def young(self, now: datetime) -> bool:
        """Whether nobody had the time yet to look twice."""
        return now - self.since < WAIT


def means(since: datetime, said_at: int, seen: int | None) -> bool:
    """Whether who confirmed at `said_at` can mean what is held `since`, which is told in whole seconds.

    It is what they had seen: held since `seen`. None: they did not say; then it may be whatever was there by then. All
    in epoch seconds.
    """
    told = int(since.timestamp())
    return told <= said_at if seen is None else told == seen


def hold(doubt: Doubt, *, known: int, missing: int, now: datetime) -> Held:
    """A new hold."""
    return Held(doubt, now, now, known, missing)


def kept(held: Held, now: datetime) -> Held:
    """The hold once somebody has said that its removals are not meant."""
    return replace(held, kept_until=now + KEPT)


def asked_again(held: Held, now: datetime) -> Held:
    """The hold once that is over: it waits for an answer, and for another look, as at first."""
    return replace(held, kept_until=None, looked_at=now)


def looked(held: Held, now: datetime) -> Held:
    """The hold after a look that settled nothing."""
    return replace(held, looked_at=now)


def is_new(before: Held | None, after: Held | None) -> bool:
    """Whether something else is held than before: nobody can have said yet that it is meant."""
    return after is not None and (before is None or (before.doubt, before.since) != (after.doubt, after.since))


class Verdict(Enum):
    """What becomes of held removals."""

    CONFIRMED = auto()
    """They were meant: they are carried out."""
    DROPPED = auto()
    """Most of what was missing is there: what is still missing is few enough to be believed."""
    STILL = auto()
    """They wait for another look."""
    GROWN = auto()
    """Much more is missing than before: their wait begins anew."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a hold, and what is missing now (hrefs): to be removed, unless it waits."""

    verdict: Verdict
    missing: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What two questions about one calendar say of the objects that we know. All are hrefs.

    `unlisted` are those of the `provable` ones that the listing had to name and did not. `contents` is everything that
    lies in the calendar, asked another way; None: it could not be told.
    """

    known: frozenset[str] = field(repr=False)
    listed: frozenset[str] = field(repr=False)
    unlisted: frozenset[str] = field(repr=False)
    provable: int
    contents: frozenset[str] | None = field(repr=False)

    def settle(self, held: Held, now: datetime, *, meant: bool) -> Settlement:
        """Decide; `meant`: somebody who may say so wants the removals, so neither time nor agreement is asked for.

        Nothing that one of the answers shows is ever removed, and nothing at all while somebody wants to keep it. What
        is meant is what was told: where much more is missing by now, that is told anew.
        """
        few = _few(self.provable, self.unlisted)
        agreed = self.contents is not None and self._agree(self.contents)
        gone = self.unlisted if self.contents is None else self.known - self.contents - self.listed
        hardly_any = few if self.contents is None else _few(len(self.known), gone)
        grown = len(gone) > held.missing + ALWAYS_BELIEVED
        if meant and (hardly_any or not grown):
            return Settlement(Verdict.DROPPED if hardly_any else Verdict.CONFIRMED, gone)
        if hardly_any:
            over = (few or agreed) and not (gone and held.wanted(now))
            return Settlement(Verdict.DROPPED if over else Verdict.STILL, gone)
        if grown and (meant or self.contents is not None):
            return Settlement(Verdict.GROWN, gone)
        return Settlement(Verdict.CONFIRMED if agreed and held.ripe(now) else Verdict.STILL, gone)

    def _agree(self, contents: frozenset[str]) -> bool:
        """Whether both answers miss the same objects, as far as the listing can tell."""
        return not (self.unlisted & contents or (self.listed & self.known) - contents)


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is held of a calendar after it was asked, what became of what was held before, and whether to remove."""

    hold: Held | None
    verdict: Verdict | None
    remove: bool


def after_changes(before: Held | None, said: Confirm | Hold, *, known: int, missing: int, now: datetime) -> Guarded:
    """The guard's word on removals that changes have named.

    While some are held, all wait: the second look finds them. Many more of them begin the wait anew.
    """
    before, verdict = _back(before)
    if before is None:
        return _guarded(verdict, said, known=known, missing=missing, now=now)
    if isinstance(said, Hold):
        more = hold(before.doubt, known=known, missing=before.missing + missing, now=now)
        return Guarded(replace(more, kept_until=before.kept_until), verdict, remove=False)
    return Guarded(before, verdict, remove=False)


def after_listing(before: Held | None, said: Confirm | Hold, *, known: int, missing: int, now: datetime) -> Guarded:
    """The guard's word on what a listing leaves out. One that shows what was missing ends the hold."""
    before, verdict = _back(before)
    if before is None:
        return _guarded(verdict, said, known=known, missing=missing, now=now)
    if isinstance(said, Hold) or (missing and before.wanted(now)):
        return Guarded(before, verdict, remove=False)
    return Guarded(None, Verdict.DROPPED, remove=True)


def _back(before: Held | None) -> tuple[Held | None, Verdict | None]:
    """A calendar that can be asked has not vanished."""
    if before is not None and before.doubt is Doubt.VANISHED:
        return None, Verdict.DROPPED
    return before, None


def _guarded(verdict: Verdict | None, said: Confirm | Hold, *, known: int, missing: int, now: datetime) -> Guarded:
    if isinstance(said, Hold):
        return Guarded(hold(said.doubt, known=known, missing=missing, now=now), verdict, remove=False)
    return Guarded(None, verdict, remove=True)


def sample(hrefs: Collection[str], most: int) -> tuple[str, ...]:
    """At most so many of them, spread evenly."""
    ordered = sorted(hrefs)
    step = max(1, -(-len(ordered) // most))
    return tuple(ordered[::step])


def _few(known: int, missing: Collection[str]) -> bool:
    return judge(known=known, removed=len(missing)) == Confirm()
