"""One calendar's listing beside what is kept of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from icloud import Absence, CalendarObject, Forbidden, Missing, NotUnderstood, TryLater, is_askable
from sync_worker.application.accounts import Account, is_of_one_calendar
from sync_worker.application.claim import Claim
from sync_worker.application.own_appointments import Undoubted
from sync_worker.domain import changes, holds
from sync_worker.domain.appointments import lies_where_we_put_it
from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.changes import expected_in
from sync_worker.domain.guard import Confirm, Doubt, Hold, judge, matters
from sync_worker.domain.outbox import Imported, Known, State
from sync_worker.domain.passes import How, Step
from sync_worker.domain.room import let_in_again
from sync_worker.domain.tracked import Shown
from sync_worker.domain.values import Span

_LOADED_AT_ONCE: Final = 200
"""Full states in memory while it is judged whether a listing should have named them."""
_SAMPLE: Final = 50
"""Objects asked for by name before their absence is believed: what one request fetches."""


class Objects(Protocol):
    """The kept objects of one calendar."""

    async def of_calendar(self, claim: Claim, calendar_id: str) -> Sequence[Known]:
        """All that are not gone."""

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, State]:
        """Full states; an id that is not kept is left out."""

    async def taken(self, claim: Claim) -> int:
        """Of the connection's room for occurrences (`domain.room`), by all that is kept."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A windowed listing, what is kept of the calendar by href, and how they differ.

    `undoubted` are appointments of ours of which nothing becomes free, or that we take away ourselves: they raise no
    doubt, and they settle none. `provable` counts the others that the listing had to name if they still exist.
    """

    kept: Mapping[str, Known] = field(repr=False)
    listed: Mapping[str, str] = field(repr=False)
    fetch: Mapping[str, str] = field(repr=False)
    unlisted: frozenset[str] = field(repr=False)
    undoubted: frozenset[str] = field(repr=False)
    provable: int

    @property
    def timeless(self) -> frozenset[str]:
        """Those unlisted ones of which no time could be told: the server may know one outside of the window."""
        return frozenset(href for href in self.unlisted if self.kept[href].extent is None)

    @property
    def bare(self) -> bool:
        """Whether nothing was listed, and nothing is known."""
        return not self.listed and not self.kept

    def hidden(self, contents: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the contents (ETags by href) that are neither listed nor known: they may be over, or withheld."""
        return {href: etag for href, etag in contents.items() if href not in self.listed and href not in self.kept}

    def counted(self, hrefs: Iterable[str]) -> frozenset[str]:
        """Those of them that the guard counts."""
        return frozenset(hrefs) - self.undoubted

    def counted_ids(self, event_ids: Iterable[str]) -> frozenset[str]:
        """The same for event ids."""
        return frozenset(event_ids).difference(self.ids(self.undoubted))

    def ids(self, hrefs: Collection[str]) -> tuple[str, ...]:
        """Event ids of kept objects, in the order of their hrefs."""
        return tuple(self.kept[href].event_id for href in sorted(hrefs) if href in self.kept)


class CompareCalendar:
    """Lists a calendar's window and compares."""

    def __init__(self, objects: Objects, undoubted: Undoubted) -> None:
        self._objects = objects
        self._undoubted = undoubted

    async def __call__(self, claim: Claim, account: Account, step: Step, window: Span) -> Compared:
        """Raises what `account` raises."""
        listed = await listed_in(account, shown_of(step), window)
        kept = {one.href: one for one in await self._objects.of_calendar(claim, step.calendar_id)}
        expected = await self._expected(claim, window, [one for one in kept.values() if one.href not in listed])
        again = await self._let_in_again(claim, step, kept.values())
        known = {
            href: changes.Known(
                "" if href in again else _read(claim, step, one), expected=href in listed or one.event_id in expected
            )
            for href, one in kept.items()
        }
        diff = changes.changes(known, listed)
        fetch = {href: _newest(kept.get(href), listed[href]) for href in diff.added_or_changed}
        undoubted = await self._undoubted(claim, kept.values())
        provable = sum(one.expected for href, one in known.items() if href not in undoubted)
        return Compared(kept, listed, fetch, frozenset(diff.removed), undoubted, provable)

    async def additions(self, claim: Claim, account: Account, step: Step, window: Span) -> Mapping[str, str]:
        """ETags by href of what a window holds and is not kept like that. Nothing is said of what it leaves out.

        Appointments of ours are left for the whole listing, with which they are looked after; hardly any blocks.
        """
        listed = await listed_in(account, shown_of(step), window)
        kept = {one.href: _read(claim, step, one) for one in await self._objects.of_calendar(claim, step.calendar_id)}
        return {
            href: etag
            for href, etag in listed.items()
            if not (etag and kept.get(href) == etag) and not lies_where_we_put_it(href)
        }

    async def _let_in_again(self, claim: Claim, step: Step, kept: Collection[Known]) -> Collection[str]:
        """Hrefs of what had no room and has some now, as far as is known; once a day."""
        if step.how is not How.DAILY or not any(one.is_crowded_out for one in kept):
            return ()
        return let_in_again(kept, await self._objects.taken(claim))

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


def _read(claim: Claim, step: Step, one: Known) -> str:
    """The ETag that was read; what was read on another basis has none.

    What an older version of us has read is read again once a day, and what it could not read at once.
    """
    by = seen(one.basis, claim.bases)
    again = by is Basis.OTHER or (by is Basis.OLDER and (step.how is How.DAILY or one.quarantine is not None))
    return "" if again else one.etag


def _newest(one: Known | None, listed: str) -> str:
    return one.newest(listed) if one else listed


async def listed_in(account: Account, shown: Shown, window: Span) -> dict[str, str]:
    """ETags by href of what a window holds."""
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.start, window.end))
    return await account.listing(shown.path, start, end)


async def contents_of(account: Account, shown: Shown) -> Mapping[str, str] | None:
    """Everything that lies in a calendar, asked in another way; None where the server cannot tell."""
    try:
        return await account.contents(shown.path)
    except (Forbidden, NotUnderstood):
        return None
    except TryLater as later:
        if not is_of_one_calendar(later):
            raise
        return None


@dataclass(frozen=True, slots=True)
class Believed:
    """The guard's word on what a listing leaves out; `missing` is gone, `moved` (ETag by href) only out of sight."""

    said: Confirm | Hold
    missing: frozenset[str] = field(repr=False)
    moved: Mapping[str, str] = field(repr=False)


async def believed(compared: Compared, account: Account, shown: Shown, missing: frozenset[str]) -> Believed:
    """Judge what a listing leaves out. Few are asked for by name: what comes unchanged makes the listing incomplete.

    What has no time that could be told may well lie outside of the window, so it must be gone by its name.
    """
    timeless = await _by_name(compared, account, shown, sorted(missing & compared.timeless))
    missing -= timeless.there
    doubtful = len(compared.counted(missing))
    said = judge(known=compared.provable - len(compared.counted(timeless.there)), removed=doubtful)
    if not missing or (isinstance(said, Hold) and matters(doubtful)):
        return Believed(said, missing, timeless.moved)
    some = holds.sample(missing, _SAMPLE)
    named = await _by_name(compared, account, shown, some)
    if named.moved and len(missing) > len(some):
        # Where some have only moved out of the window others may have, too.
        named = named.and_(await _by_name(compared, account, shown, sorted(missing.difference(some))))
    # A few that are neither listed nor there by their names are gone, even if they were all there was.
    said = Hold(Doubt.INCOMPLETE) if named.odd else Confirm()
    return Believed(said, missing - named.moved.keys(), {**timeless.moved, **named.moved})


async def none_comes(account: Account, shown: Shown, hrefs: Collection[str]) -> bool:
    """Whether the server itself calls all of a sample of these objects gone when asked for them by name."""
    answers = [_is_gone(one) async for one in account.objects(shown.path, holds.sample(hrefs, _SAMPLE))]
    return all(answers)


@dataclass(frozen=True, slots=True)
class _Named:
    """What came of objects that were asked for by name: those that are not gone, and the new ETags among them."""

    there: frozenset[str]
    moved: Mapping[str, str]

    @property
    def odd(self) -> bool:
        """Whether any is as it was."""
        return len(self.there) > len(self.moved)

    def and_(self, other: "_Named") -> "_Named":
        return _Named(self.there | other.there, {**self.moved, **other.moved})


async def _by_name(compared: Compared, account: Account, shown: Shown, hrefs: Sequence[str]) -> _Named:
    there: set[str] = set()
    moved: dict[str, str] = {}
    if hrefs:
        async for one in account.objects(shown.path, hrefs):
            if not _is_gone(one):
                there.add(one.href)
            if isinstance(one, CalendarObject) and one.etag != compared.kept[one.href].etag:
                moved[one.href] = one.etag
    return _Named(frozenset(there), moved)


def _is_gone(one: CalendarObject | Missing) -> bool:
    # Of what is never asked for by its name nothing else will ever tell that it has gone.
    return isinstance(one, Missing) and (one.why is Absence.GONE or not is_askable(one.href))


def shown_of(step: Step) -> Shown:
    """How the home shows a calendar that is to be asked."""
    if step.shown is None:
        raise ValueError("a calendar that is not shown cannot be asked")
    return step.shown
