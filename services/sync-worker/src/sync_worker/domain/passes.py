"""What one pass over an account asks of iCloud, decided from what is remembered and what the home shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from sync_worker.domain.values import Span

ASK_EVERY: Final = 6
"""A ctag is never trusted alone: at every sixth pass each calendar is asked what changed."""
PATIENCE: Final = 3
"""So many passes in a row may fail for a calendar before the others stop waiting for it."""
_DAY: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Tracked:
    """What is remembered of one calendar between passes.

    `token` is where our knowledge of it ends; None: it was never read completely under this `basis`.
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
    """While it fails: up to when it had been read before; None: it never was."""
    held: bool = False
    """Whether it fails because its listing looked wrong."""
    quarantine_told: str = ""
    """Digest of the quarantined objects last told."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One calendar as the home shows it now."""

    path: str = field(repr=False)
    supported: bool
    ctag: str | None = field(repr=False)
    token: str | None = field(repr=False)


class How(Enum):
    """What a calendar is asked in this pass."""

    NOTHING = auto()
    """It has not moved."""
    CHANGES = auto()
    """What changed since our token."""
    LISTING = auto()
    """All its objects of the horizon: first reading, or nothing to go on from."""
    ABSENT = auto()
    """The home does not show it, or not as a calendar of events any more. What is known of it stays."""
    RESTING = auto()
    """It failed too often; only every sixth pass tries again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One conflict calendar and what to do about it."""

    calendar_id: str
    how: How
    shown: Shown | None
    tracked: Tracked | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A pass: every conflict calendar with its step, and the calendars that the user took out of the setup."""

    steps: tuple[Step, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a connection's calendars are judged by: the chosen ones, the known ones, the basis, the pass's number.

    `basis` names everything beside iCloud's answer that an event's meaning hangs on; when it changes, all is read anew.
    """

    conflict_calendars: frozenset[str]
    tracked: Mapping[str, Tracked]
    basis: str
    nth_pass: int


def plan(shown: Mapping[str, Shown], remembered: Remembered) -> Plan:
    """The pass that `shown` calls for."""
    steps = (
        Step(
            one,
            _how(shown.get(one), remembered.tracked.get(one), remembered),
            shown.get(one),
            remembered.tracked.get(one),
        )
        for one in sorted(remembered.conflict_calendars)
    )
    return Plan(tuple(steps), tuple(sorted(remembered.tracked.keys() - remembered.conflict_calendars)))


def _how(shown: Shown | None, tracked: Tracked | None, remembered: Remembered) -> How:
    due = remembered.nth_pass % ASK_EVERY == 0
    if shown is None or not shown.supported:
        return How.ABSENT
    if tracked is None or tracked.basis != remembered.basis:
        return How.LISTING
    if tracked.failures >= PATIENCE and not due:
        return How.RESTING
    moved = shown.ctag is None or shown.ctag != tracked.ctag or shown.token != tracked.listed_token
    if tracked.token is None:
        # Either it was never read to the end, or the server gives no tokens; then its ctag is all there is.
        complete = tracked.ctag is not None and shown.token is None
        return How.LISTING if moved or due or not complete else How.NOTHING
    return How.CHANGES if moved or due or tracked.failures else How.NOTHING


def failed(step: Step, basis: str, as_of: datetime | None) -> Tracked:
    """What to remember after one more pass that could not read it; `as_of`: up to when the connection had been read."""
    path = step.shown.path if step.shown else ""
    tracked = step.tracked or Tracked(path, basis)
    read_until = tracked.read_until if tracked.failures or step.tracked is None else as_of
    return replace(tracked, failures=tracked.failures + 1, read_until=read_until, held=False)


def held(step: Step, basis: str, as_of: datetime | None) -> Tracked:
    """What to remember after a listing that is not believed: the next pass lists again."""
    return replace(failed(step, basis, as_of), ctag=None, token=None, held=True)


def settled(step: Step, basis: str, token: str | None, quarantine_told: str) -> Tracked:
    """What to remember of a calendar that was read to the end."""
    if step.shown is None:
        raise ValueError("a calendar that is not shown cannot have been read")
    shown = step.shown
    return Tracked(shown.path, basis, shown.ctag, shown.token, token, quarantine_told=quarantine_told)


def unsettled(tracked: Tracked) -> Tracked:
    """What to remember of a calendar whose removals wait: it is asked again, whatever its ctag says."""
    return replace(tracked, ctag=None)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back and ahead events are imported."""

    past: timedelta
    future: timedelta

    def around(self, now: datetime) -> Span:
        """The time that a pass looks at, widened to whole days UTC: two passes of one day see the same."""
        start, end = int((now - self.past).timestamp()), int((now + self.future).timestamp())
        return Span(start - start % _DAY, end - end % _DAY + _DAY)
