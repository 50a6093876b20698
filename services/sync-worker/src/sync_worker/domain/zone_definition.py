"""VTIMEZONE (RFC 5545, 3.6.5) out of the IANA database: what holds in the years concerned, and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_STEP: Final = timedelta(days=7)
"""No zone has changed its clocks twice within a week in our days (Morocco's Ramadan takes four)."""
_SECOND: Final = timedelta(seconds=1)


def definition(zone: ZoneInfo, start: datetime, end: datetime) -> Timezone:
    """The zone's definition from the beginning of the year of `start` to the end of that of `end`.

    icalendar's own gives the onsets of summer time an hour late (TZOFFSETTO where RFC 5545 wants TZOFFSETFROM).
    """
    first = datetime(start.astimezone(zone).year, 1, 1, tzinfo=zone).astimezone(UTC)
    last = datetime(end.astimezone(zone).year + 1, 1, 1, tzinfo=zone).astimezone(UTC)
    found = Timezone()
    found.add("tzid", zone.key)
    before = _offset(first, zone)
    found.add_component(_observance(first, zone, before))
    for onset in _onsets(zone, first, last):
        found.add_component(_observance(onset, zone, before))
        before = _offset(onset, zone)
    return found


def _observance(onset: datetime, zone: ZoneInfo, before: timedelta) -> TimezoneStandard | TimezoneDaylight:
    local = onset.astimezone(zone)
    one = TimezoneDaylight() if local.dst() else TimezoneStandard()
    one.add("dtstart", onset.replace(tzinfo=None) + before)
    one.add("tzoffsetfrom", before)
    one.add("tzoffsetto", _offset(onset, zone))
    one.add("tzname", local.tzname() or zone.key)
    return one


def _onsets(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants after `first` and before `last` at which the offset changes, to the second."""
    at = first
    while at < last:
        following = min(at + _STEP, last)
        if _offset(at, zone) != _offset(following, zone):
            yield _onset(zone, at, following)
        at = following


def _onset(zone: ZoneInfo, old: datetime, new: datetime) -> datetime:
    """The first second of the offset that holds at `new`, where another one holds at `old`."""
    while new - old > _SECOND:
        middle = old + timedelta(seconds=(new - old) // _SECOND // 2)
        if _offset(middle, zone) == _offset(old, zone):
            old = middle
        else:
            new = middle
    return new


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
