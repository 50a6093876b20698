"""How long an event takes, from its start on, or back from there where its ends are the wrong way round."""

from dataclasses import dataclass

from sync_worker.domain.civil import DAY
from sync_worker.domain.quirks import ENDS
from sync_worker.domain.zones import Moment, Zone


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds on the wall clock (a night from 22 to 6 ends at 6, whatever the clocks do), or `exact` ones.

    It begins `back` seconds before the start: DTSTART alone says which instance of a series it is.
    """

    seconds: int
    exact: bool = False
    back: int = 0

    def span(self, zone: Zone, wall: int, instant: int) -> tuple[int, int]:
        """Tell when what starts at `wall`, which is `instant`, begins and ends.

        Where the clock jumps over all of it, it lasts as long afterwards.
        """
        if self.back or self.exact:
            instant = instant - self.back if self.exact else zone.instant(wall - self.back)
            wall -= self.back
        end = instant + self.seconds if self.exact else zone.instant(wall + self.seconds)
        return instant, end if end > instant else instant + self.seconds


def between(start: Moment, end: Moment) -> Length:
    """The length that DTEND gives, never negative.

    Around a clock change the later instant may have the earlier wall time: then it lasts from instant to instant.
    """
    first = start
    if start.is_date is not end.is_date or end.wall <= start.wall or start.zone is not end.zone:
        for quirk in ENDS:
            first, end = quirk(first, end)
    if first.zone == end.zone == start.zone and first.wall <= end.wall:
        return Length(end.wall - first.wall, back=start.wall - first.wall)
    return Length(end.instant - first.instant, exact=True, back=start.instant - first.instant)


def lasting(start: Moment, seconds: int) -> Length:
    """The length that DURATION gives; a date lasts whole days, at least the one it names."""
    if start.is_date:
        return Length(max(DAY, -(-seconds // DAY) * DAY))
    return Length(abs(seconds), back=max(0, -seconds))
