"""When Apple's 401 means that the credential is dead: only after several, spaced, and in no wave (R13)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

NEEDED: Final = 3
SPACING: Final = timedelta(minutes=1)
"""Closer ones are one and the same hiccup of Apple's."""
SHORTEST: Final = 2 * timedelta(seconds=75)
LONGEST: Final = timedelta(minutes=8)
"""A user is told within ten minutes; two of them are left for whatever delays a try."""
_FIRST_PAUSE: Final = timedelta(seconds=75)
"""Surely more than the spacing."""
_PAUSE: Final = timedelta(seconds=135)
_PAUSE_IN_A_WAVE: Final = timedelta(minutes=15)
_A_WAVE_AT_MOST: Final = timedelta(hours=6)
"""What is refused for longer without a break is not Apple's trouble: three users of a small fleet may well have changed
their passwords within the same minutes."""


@dataclass(frozen=True, slots=True)
class Rejections:
    """401s in a row, with nothing accepted between them; only spaced ones are counted.

    `since` is when this confirmation began. `began` is the first 401 in a row, where a wave came between; the count is
    0 within a wave.
    """

    count: int
    since: datetime
    last: datetime
    began: datetime | None = None

    @property
    def first(self) -> datetime:
        """Since when nothing has been accepted."""
        return self.began or self.since


def rejected(before: Rejections | None, at: datetime) -> Rejections:
    """`before` and one more 401."""
    if before is None:
        return Rejections(1, since=at, last=at)
    if before.count and at - before.last < SPACING:
        return before
    return replace(before, count=before.count + 1, last=at, since=before.since if before.count else at)


def patience(between_looks: timedelta) -> timedelta:
    """How long to confirm: until everybody else has been looked at once, so that a wave can be seen for one."""
    return min(max(between_looks, SHORTEST), LONGEST)


def confirmed(counted: Rejections, wait: timedelta) -> bool:
    """Whether the credential is dead unless this is a wave: enough 401s, over the time `wait`."""
    return counted.count >= NEEDED and counted.last - counted.since >= wait


def asks_for_a_wave(before: Rejections | None, counted: Rejections, wait: timedelta) -> bool:
    """Whether the fleet has a say in what comes next. Asked only then, it costs nothing all the other time."""
    return confirmed(counted, wait) or (before is not None and before.count == 0)


def outlasts_a_wave(counted: Rejections) -> bool:
    """Whether it is refused for longer than Apple's troubles last."""
    return counted.last - counted.first >= _A_WAVE_AT_MOST


def in_a_wave(counted: Rejections) -> Rejections:
    """Nobody is to blame now: when the wave is over, confirmation starts anew."""
    return Rejections(0, since=counted.last, last=counted.last, began=counted.first)


def again_in(counted: Rejections, wait: timedelta, chance: float) -> timedelta:
    """Until the next try; `chance` in [0, 1) spreads those of a wave."""
    if not counted.count:
        return _PAUSE_IN_A_WAVE * (1 + 0.25 * chance)
    if counted.count == 1:
        return _FIRST_PAUSE
    return max(_FIRST_PAUSE, min(_PAUSE, wait - (counted.last - counted.since)))
