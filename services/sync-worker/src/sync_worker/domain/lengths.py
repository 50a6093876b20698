"""How long an event takes, from its start on, or back from there where its ends are the wrong way round."""

from dataclasses import dataclass
from typing import Final

from sync_worker.domain.civil import DAY
from sync_worker.domain.quirks import ENDS
from sync_worker.domain.times import Duration
from sync_worker.domain.zones import Moment, Zone

_AT_ONCE: Final = Duration()


@dataclass(frozen=True, slots=True)
class Length:
    """Where it ends: `nominal` seconds after DTSTART on the wall clock, then `exact` ones after that.

    DTEND is a time on the wall: a night from 22 to 6 ends at 6, whatever the clocks do. Hours of a DURATION are exact:
    eight hours from 22 on end at 7 where one of them is skipped (RFC 5545, 3.3.6). It `begins` at DTSTART or before it:
    DTSTART alone says which instance of a series it is.
    """

    nominal: int = 0
    exact: int = 0
    begins: Duration = _AT_ONCE

    @property
    def seconds(self) -> int:
        """How long it takes, whatever the clocks do in between."""
        return self.nominal + self.exact + self.back

    @property
    def back(self) -> int:
        """How long before DTSTART it begins."""
        return -sum(self.begins)

    def span(self, zone: Zone, wall: int, instant: int) -> tuple[int, int]:
        """Tell when what starts at `wall`, which is `instant`, begins and ends.

        Where the clock jumps over all of it, it lasts as long afterwards.
        """
        nominal = self.nominal
        end = (zone.instant(wall + nominal) if nominal else instant) + self.exact
        first = instant if self.begins is _AT_ONCE else _later(self.begins, zone, wall, instant)
        return first, end if end > first else first + self.seconds

    def from_instant(self, start: Moment) -> "Length":
        """As long as this one is after `start`, whatever clock it is counted on."""
        first, end = self.span(start.zone, start.wall, start.instant)
        return Length(exact=end - start.instant, begins=Duration(exact=first - start.instant))


def _later(duration: Duration, zone: Zone, wall: int, instant: int) -> int:
    return (zone.instant(wall + duration.nominal) if duration.nominal else instant) + duration.exact


def between(start: Moment, end: Moment) -> Length:
    """The length that DTEND gives, never negative.

    Around a clock change the later instant may have the earlier wall time: then it lasts from instant to instant.
    """
    first = start
    if start.is_date is not end.is_date or end.wall <= start.wall or start.zone is not end.zone:
        for quirk in ENDS:
            first, end = quirk(first, end)
    if first.zone == end.zone == start.zone and first.wall <= end.wall:
        return Length(end.wall - start.wall, begins=_before(start.wall - first.wall))
    at = start.instant
    return Length(exact=end.instant - at, begins=Duration(exact=first.instant - at))


def _before(nominal: int) -> Duration:
    return Duration(-nominal) if nominal else _AT_ONCE


def lasting(start: Moment, duration: Duration) -> Length:
    """The length that DURATION gives; a date lasts whole days, at least the one it names."""
    if start.is_date:
        return Length(max(DAY, -(-sum(duration) // DAY) * DAY))
    if min(duration) < 0:
        return Length(begins=duration)
    return Length(*duration)
