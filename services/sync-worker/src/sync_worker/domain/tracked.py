"""What is remembered of one calendar between passes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sync_worker.domain.bases import Basis, seen
from sync_worker.domain.holds import Held

PATIENCE: Final = 3
"""So many passes in a row may fail for a calendar before the others stop waiting for it."""
LATE_AT_MOST: Final = 100
_LATE_ASKED: Final = 6
"""What still comes in another version than the listed one after so many more questions, or is more than the above: that
is this server's way of naming versions."""


@dataclass(frozen=True, slots=True)
class PutRight:
    """How many objects a full listing put right that no change had told, by how."""

    missing: int = 0
    changed: int = 0
    extra: int = 0


@dataclass(frozen=True, slots=True)
class Tracked:
    """One calendar as the last pass left it.

    `token` is where our knowledge of it ends; None: it was never read completely, or its server gives none.
    `ctag` and `listed_token` are what the home showed when it was last read.
    """

    path: str = field(repr=False)
    basis: str
    ctag: str | None = field(default=None, repr=False)
    listed_token: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    failures: int = 0
    """Passes in a row in which it could not be read to the end."""
    read_until: datetime | None = None
    """While it is behind: up to when it had been read before; None: it never was."""
    hold: Held | None = None
    """Removals that are not believed yet; everything else of the calendar is read all the same."""
    quarantine_told: str = ""
    """Digest of the quarantined objects last told."""
    covered: int = 0
    """Up to this time (epoch seconds) all that it holds has been read; what begins later enters with the days."""
    reconciled: datetime | None = None
    """When all of it was last compared with a full listing."""
    put_right: PutRight | None = None
    """What that comparison came to; None: that could not be told from what had changed."""
    empty_since: datetime | None = None
    """When its first listing came empty, until it was asked in another way whether it is."""
    late: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Objects (href, listed ETag) that have not come in this version: they are asked for again."""
    late_asked: int = 0
    """Passes that have asked for these again."""
    left: bool = False
    """It is gone from iCloud for good, and its events with it; should it come back, it is read anew."""

    @property
    def waits_for_answer(self) -> bool:
        """Whether removals of it are held, and nobody has said yet that these events stay."""
        return self.hold is not None and not self.hold.answered

    @property
    def is_behind(self) -> bool:
        """Whether it fails, or waits for an answer: it is not known up to the last pass then."""
        return self.failures > 0 or self.waits_for_answer


@dataclass(frozen=True, slots=True)
class Settled:
    """How a reading to the end left a calendar; what is None stays as it was."""

    token: str | None = field(repr=False)
    quarantine_told: str
    hold: Held | None
    covered: int | None = None
    reconciled: datetime | None = None
    empty_since: datetime | None = None
    """This one is never as it was."""
    late: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Nor is this: listed ETags by href."""
    put_right: PutRight | None = None
    """Of the comparison, where there was one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One calendar as the home shows it now."""

    path: str = field(repr=False)
    supported: bool
    ctag: str | None = field(repr=False)
    token: str | None = field(repr=False)


def begun(tracked: Tracked | None, shown: Shown | None, basis: str) -> Tracked:
    """What to remember of a calendar before anything of it is read on: as it was, or anew."""
    return tracked if tracked and not tracked.left else Tracked(shown.path if shown else "", basis)


def failed(tracked: Tracked | None, shown: Shown | None, basis: str, as_of: datetime | None) -> Tracked:
    """What to remember after one more pass that could not read it; `as_of`: up to when the connection had been read."""
    before = begun(tracked, shown, basis)
    return replace(before, failures=before.failures + 1, read_until=_read_until(tracked, as_of))


def holding(tracked: Tracked | None, hold: Held, basis: str, as_of: datetime | None) -> Tracked:
    """What to remember of a calendar once something is held of it; nothing else of it changes."""
    return replace(tracked or Tracked("", basis), hold=hold, read_until=_read_until(tracked, as_of))


def waiting(tracked: Tracked, asked: Collection[str], late: Mapping[str, str]) -> Tracked:
    """The same where what was asked for (hrefs) is why, and this (listed ETags by href) is what is late of it.

    A full listing had shown some of it, perhaps, and no change ever tells it again. Of very much some is waited for.
    """
    unasked = {href: etag for href, etag in tracked.late if href not in asked}
    return replace(tracked, late=tuple(sorted({**unasked, **late}.items())[:LATE_AT_MOST]))


def settled(tracked: Tracked | None, shown: Shown, basis: str, how: Settled, as_of: datetime | None) -> Tracked:
    """What to remember of a calendar that was read to the end, but for what is held."""
    before = begun(tracked, shown, basis)
    late, late_asked = _asked_again(before, how.late)
    return Tracked(
        shown.path,
        before.basis if seen(before.basis, (basis,)) is Basis.OURS else basis,
        shown.ctag,
        shown.token,
        how.token,
        read_until=_read_until(tracked, as_of) if how.hold and not how.hold.answered else None,
        hold=how.hold,
        quarantine_told=how.quarantine_told,
        covered=before.covered if how.covered is None else how.covered,
        reconciled=how.reconciled or before.reconciled,
        put_right=how.put_right if how.reconciled else before.put_right,
        empty_since=how.empty_since,
        late=late,
        late_asked=late_asked,
    )


def is_waited_for(
    tracked: Tracked | None, failures: int, *, missing: Collection[str], stale: Mapping[str, str]
) -> bool:
    """Whether a calendar is not read to the end because of what did not come, or not in the listed version."""
    return bool(missing or newly_late(tracked, stale)) or (failures > 0 and bool(stale))


def newly_late(tracked: Tracked | None, late: Mapping[str, str]) -> dict[str, str]:
    """Those of them (listed ETags by href) that were not late before."""
    return dict(late.items() - set(tracked.late if tracked else ()))


def _asked_again(before: Tracked, late: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], int]:
    asked = 0 if newly_late(before, late) or not late else before.late_asked + 1
    if asked >= _LATE_ASKED or len(late) > LATE_AT_MOST:
        return (), 0
    return tuple(sorted(late.items())), asked


def unsettled(tracked: Tracked) -> Tracked:
    """What to remember of a calendar whose removals wait: it is asked again, whatever its ctag says."""
    return replace(tracked, ctag=None)


def leaving(tracked: Tracked) -> Tracked:
    """What to remember of a calendar before its events are taken back: wanted again half way, it is read anew."""
    return replace(tracked, ctag=None, listed_token=None, token=None, covered=0, reconciled=None)


def gone(tracked: Tracked | None, basis: str) -> Tracked:
    """What to remember of a calendar that has left iCloud for good."""
    return Tracked(tracked.path if tracked else "", basis, left=True)


def _read_until(tracked: Tracked | None, as_of: datetime | None) -> datetime | None:
    if tracked is None or tracked.left or not tracked.covered:
        return None
    return tracked.read_until if tracked.is_behind else as_of
