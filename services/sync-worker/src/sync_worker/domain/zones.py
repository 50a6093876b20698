"""Time zones: what turns wall times into instants and back. Both in whole seconds; see `recurrence` for wall times."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from sync_worker.domain.civil import DAY

# What datetime can hold, less the widest offset at each end: later is cut to here ("for ever" is written as year 9999).
FIRST: Final = int(datetime(2, 1, 1, tzinfo=UTC).timestamp())
LAST: Final = int(datetime(9998, 12, 31, tzinfo=UTC).timestamp())
# A hundred kilobytes a zone: the horizon's days, and those on which older events began.
_DAYS_REMEMBERED = 2000


class Zone(Protocol):
    """A wall time that does not exist moves on by the gap; one that exists twice is the first (RFC 5545, 3.3.5)."""

    def instant(self, wall: int) -> int:
        """Epoch seconds UTC of a wall time."""
        ...

    def wall(self, instant: int) -> int:
        """Wall time of epoch seconds UTC."""
        ...


@dataclass(frozen=True, slots=True)
class FixedZone:
    """Always `offset` seconds east of UTC."""

    offset: int

    def instant(self, wall: int) -> int:
        return wall - self.offset

    def wall(self, instant: int) -> int:
        return instant + self.offset


UTC_ZONE: Final = FixedZone(0)


class NamedZone:
    """A zone of the IANA database. Equal to another one of the same name.

    Offsets are remembered by day, for days in which they do not change: that is five times as fast as zoneinfo.
    """

    __slots__ = ("_info", "_midnight", "_offsets")

    def __init__(self, info: ZoneInfo) -> None:
        self._info = info
        self._midnight = datetime(1970, 1, 1, tzinfo=info)
        self._offsets: dict[int, int | None] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedZone) and (
            self._info is other._info or (bool(self._info.key) and self._info.key == other._info.key)
        )

    def __hash__(self) -> int:
        return hash(self._info.key)

    def instant(self, wall: int) -> int:
        day = wall // DAY
        offset = self._offsets[day] if day in self._offsets else self._offset_of(day)
        return self._exactly(wall) if offset is None else wall - offset

    def _offset_of(self, day: int) -> int | None:
        """Tell the offset that holds all day long; None where it changes (no zone ever changed it twice in a day)."""
        if len(self._offsets) > _DAYS_REMEMBERED:
            self._offsets.clear()
        first, last = day * DAY, day * DAY + DAY
        offset = first - self._exactly(first)
        steady = first >= FIRST and last <= LAST and offset == last - self._exactly(last)
        self._offsets[day] = offset if steady else None
        return self._offsets[day]

    def _exactly(self, wall: int) -> int:
        # Adding to an aware datetime counts on its wall clock; its timestamp resolves gaps and folds as promised.
        return int((self._midnight + timedelta(seconds=min(max(wall, FIRST), LAST))).timestamp())

    def wall(self, instant: int) -> int:
        instant = min(max(instant, FIRST), LAST)
        offset = datetime.fromtimestamp(instant, self._info).utcoffset() or timedelta()
        return instant + int(offset.total_seconds())


class RuledZone:
    """A zone of its own making: offsets from the instants at which they begin."""

    __slots__ = ("_before", "_offsets", "_onsets", "_walls")

    def __init__(self, before: int, changes: list[tuple[int, int]]) -> None:
        """Take the offset before all changes, and (instant, offset from then on), ascending."""
        self._before = before
        self._onsets = [onset for onset, _ in changes]
        self._offsets = [offset for _, offset in changes]
        # A new offset is on the wall when both clocks have passed its onset: a gap and a fold keep the old one.
        froms = [before, *self._offsets]
        self._walls = [onset + max(old, new) for (onset, new), old in zip(changes, froms, strict=False)]

    def instant(self, wall: int) -> int:
        at = bisect_right(self._walls, wall)
        return wall - (self._offsets[at - 1] if at else self._before)

    def wall(self, instant: int) -> int:
        at = bisect_right(self._onsets, instant)
        return instant + (self._offsets[at - 1] if at else self._before)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a calendar writes it. `floating` ones, and all dates, are read in the zone of the connection."""

    wall: int
    zone: Zone
    is_date: bool = False
    floating: bool = False

    @property
    def instant(self) -> int:
        """Epoch seconds UTC."""
        return self.zone.instant(self.wall)
