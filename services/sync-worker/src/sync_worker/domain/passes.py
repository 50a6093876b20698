"""What one pass over an account asks of iCloud, decided from what is remembered and what the home shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from sync_worker.domain.bases import UNREAD, Basis, seen
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import WAIT, Held, Wish
from sync_worker.domain.tracked import PATIENCE, Shown, Tracked
from sync_worker.domain.values import Span

ASK_EVERY: Final = 6
"""A ctag is never trusted alone: at every sixth pass each calendar is asked what changed."""
_DAY: Final = 24 * 60 * 60
_DOUBTED_FOR: Final = timedelta(hours=1)
"""A first listing that was empty; what could not be settled by then is left to the day's work."""


class How(Enum):
    """What a calendar is asked in this pass."""

    NOTHING = auto()
    """It has not moved."""
    CHANGES = auto()
    """What changed since our token, and what was read on another basis."""
    LISTING = auto()
    """All its objects of the horizon: first reading, or nothing to go on from."""
    DAILY = auto()
    """Changes, and besides what of the horizon's newest day enters, whether a full listing agrees with us, and what an
    older version of us has read."""
    EMPTY = auto()
    """Whether it is as empty as its first listing was, in another way."""
    SECOND_LOOK = auto()
    """All its objects in two ways: removals are held, and it is time to believe them or not."""
    ABSENT = auto()
    """The home does not show it, or not as a calendar of events any more, and it is time to do something about that."""
    MISSED = auto()
    """The same, and known; what is known of it stays."""
    LEFT = auto()
    """It is gone for good."""
    RESTING = auto()
    """It failed too often; only every sixth pass tries again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One conflict calendar and what to do about it."""

    calendar_id: str
    how: How
    shown: Shown | None
    tracked: Tracked | None
    wish: Wish | None = None

    @property
    def hold(self) -> Held | None:
        """What was held of it before this pass."""
        return self.tracked.hold if self.tracked else None

    @property
    def empty_since(self) -> datetime | None:
        """When its first listing came empty, if that is not settled."""
        return self.tracked.empty_since if self.tracked else None

    @property
    def first(self) -> bool:
        """Whether nothing was ever read of it, or it had gone for good."""
        return self.tracked is None or self.tracked.left or self.tracked.covered == 0

    @property
    def readable(self) -> bool:
        """Whether it is there to be read, and can be."""
        return self.how not in {How.ABSENT, How.MISSED, How.LEFT, How.RESTING}

    def moved(self, shown: Shown | None) -> bool:
        """Whether the home shows it otherwise by now than when the pass began."""
        return shown is None or shown.ctag is None or shown != self.shown


@dataclass(frozen=True, slots=True)
class Plan:
    """A pass: every conflict calendar with its step, and the calendars that the user took out of the setup."""

    steps: tuple[Step, ...]
    left: tuple[str, ...]

    @property
    def daily(self) -> bool:
        """Whether the day's work is done in this pass."""
        return any(step.how is How.DAILY for step in self.steps)

    @property
    def calls_for_nothing(self) -> bool:
        """Whether no calendar is to be asked, left or missed."""
        return not self.left and all(step.how is How.NOTHING for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a connection's calendars are judged by.

    `basis` names everything beside iCloud's answer that an event's meaning hangs on. What was last compared with a full
    listing before `daily_since` is due to be. `wishes` are what somebody said about held removals.
    """

    conflict_calendars: frozenset[str]
    tracked: Mapping[str, Tracked]
    basis: str
    nth_pass: int
    now: datetime
    daily_since: datetime
    wishes: Mapping[str, Wish] = field(default_factory=dict)


def plan(shown: Mapping[str, Shown], remembered: Remembered) -> Plan:
    """The pass that `shown` calls for."""
    steps = (_step(one, shown.get(one), remembered) for one in sorted(remembered.conflict_calendars))
    return Plan(tuple(steps), tuple(sorted(remembered.tracked.keys() - remembered.conflict_calendars)))


def unless_moved(remembered: Remembered) -> bool:
    """Whether a pass has nothing to do, and no hold to tell of, where the home shows what is remembered."""
    tracked = remembered.tracked
    shown = {
        one: Shown(was.path, supported=True, ctag=was.ctag, token=was.listed_token) for one, was in tracked.items()
    }
    return plan(shown, remembered).calls_for_nothing and not any(was.hold for was in tracked.values())


def _step(one: str, shown: Shown | None, remembered: Remembered) -> Step:
    tracked, wish = remembered.tracked.get(one), remembered.wishes.get(one)
    if shown is None or not shown.supported:
        how = _absent(tracked, wish, remembered.now)
    elif tracked is None or tracked.left:
        how = How.LISTING
    else:
        how = _how(shown, tracked, wish, remembered)
        if seen(tracked.basis, (remembered.basis,)) is Basis.OTHER:
            # Should this pass break off, some of it is read on our basis and some not, whatever the next one goes by.
            tracked = replace(tracked, basis=UNREAD)
    return Step(one, how, shown, tracked, wish)


def _absent(tracked: Tracked | None, wish: Wish | None, now: datetime) -> How:
    if tracked and tracked.left:
        return How.LEFT
    hold = tracked.hold if tracked else None
    known = hold is not None and hold.doubt is Doubt.VANISHED
    return How.MISSED if known and hold and not (wish is Wish.CONFIRM or hold.due(now)) else How.ABSENT


def _how(shown: Shown, tracked: Tracked, wish: Wish | None, remembered: Remembered) -> How:
    asked_anyway = remembered.nth_pass % ASK_EVERY == 0
    if tracked.failures >= PATIENCE and not asked_anyway and wish is None:
        return How.RESTING
    # Either it was never read to the end, or the server gives no tokens; then its ctag is all there is.
    blank = tracked.token is None and (tracked.ctag is None or shown.token is not None)
    if blank and not tracked.covered:
        return How.LISTING
    back = tracked.hold is not None and tracked.hold.doubt is Doubt.VANISHED
    if tracked.hold and not back and (wish is Wish.CONFIRM or tracked.hold.due(remembered.now)):
        return How.SECOND_LOOK
    other_basis = tracked.basis != remembered.basis and _is_other(tracked, remembered.basis)
    if not (tracked.failures or other_basis or back) and (whole := _of_the_whole(tracked, remembered)):
        return whole
    moved = shown.ctag is None or shown.ctag != tracked.ctag or shown.token != tracked.listed_token
    if not (blank or moved or asked_anyway or tracked.failures or other_basis or back or tracked.late):
        return How.NOTHING
    return How.CHANGES if tracked.token is not None else How.LISTING


def _is_other(tracked: Tracked, basis: str) -> bool:
    """Whether something is to be read again at once. A newer version of us is worth that for what nobody could read."""
    by = seen(tracked.basis, (basis,))
    return by is Basis.OTHER or (by is Basis.OLDER and tracked.quarantine_told != "")


def _of_the_whole(tracked: Tracked, remembered: Remembered) -> How | None:
    """What is to be asked beyond changes."""
    if tracked.empty_since and WAIT <= remembered.now - tracked.empty_since < _DOUBTED_FOR:
        return How.EMPTY
    compared = tracked.reconciled is not None and tracked.reconciled >= remembered.daily_since
    return None if compared else How.DAILY


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back and ahead events are imported."""

    past: timedelta
    future: timedelta

    def around(self, now: datetime) -> Span:
        """The time that a pass looks at, widened to whole days UTC: two passes of one day see the same."""
        start, end = int((now - self.past).timestamp()), int((now + self.future).timestamp())
        return Span(start - start % _DAY, end - end % _DAY + _DAY)
