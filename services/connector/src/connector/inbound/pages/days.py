"""Days as clocks show them: from midnight to midnight of a zone, which may be 23 or 25 hours apart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_USUAL: Final = timedelta(days=1)
_MARKS: Final = (6, 12, 18)
"""Hours with a line through the picture."""
_NARROWEST: Final = 0.8
"""Per cent of a day: about two pixels on a phone; nothing may be too short to be seen."""

Part = tuple[datetime, datetime]
"""[start, end)"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day, in per cent of its length."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day. Both ends are UTC: between local times Python would count hours that clocks skip."""

    date: date
    start: datetime
    end: datetime

    @property
    def hours(self) -> int | None:
        """How many it has, where that is not 24."""
        length = self.end - self.start
        return None if length == _USUAL else round(length / timedelta(hours=1))

    def cut(self, part: Part) -> Part | None:
        """What of it lies in this day; None if nothing does. What has no length lies where it begins."""
        start, end = part
        if start >= self.end or end < self.start or (end == self.start and start != end):
            return None
        return max(start, self.start), min(end, self.end)

    def bars(self, parts: Iterable[Part]) -> Sequence[Bar]:
        """What of them lies in this day, as few bars as possible."""
        inside = sorted(found for part in parts if (found := self.cut(part)))
        return [self._bar(part) for part in _merged(inside)]

    def marks(self, zone: ZoneInfo) -> Sequence[str]:
        """Where 6, 12 and 18 o'clock are, in per cent."""
        return [self.mark(datetime.combine(self.date, time(hour), zone)) for hour in _MARKS]

    def mark(self, moment: datetime) -> str:
        """Where in the day it is, in per cent."""
        return _written(self._share(moment))

    def _share(self, moment: datetime) -> float:
        return (moment.astimezone(UTC) - self.start) / (self.end - self.start) * 100

    def _bar(self, part: Part) -> Bar:
        x, end = (self._share(moment) for moment in part)
        width = max(end - x, _NARROWEST)
        return Bar(_written(min(x, 100 - width)), _written(width))


def days(first: date, count: int, zone: ZoneInfo) -> Sequence[Day]:
    """So many days of the zone, from `first` on."""
    dates = [first + timedelta(days=number) for number in range(count + 1)]
    midnights = [datetime.combine(one, time(), zone).astimezone(UTC) for one in dates]
    return [Day(*one) for one in zip(dates[:-1], midnights[:-1], midnights[1:], strict=True)]


def _merged(parts: Iterable[Part]) -> Iterator[Part]:
    """Sorted parts, overlapping and touching ones made one."""
    present: Part | None = None
    for start, end in parts:
        if present is not None and start <= present[1]:
            present = present[0], max(present[1], end)
            continue
        if present is not None:
            yield present
        present = start, end
    if present is not None:
        yield present


def _written(per_cent: float) -> str:
    return f"{per_cent:.1f}".removesuffix(".0") + "%"
