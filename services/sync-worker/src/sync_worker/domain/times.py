"""Dates, times, durations and offsets as RFC 5545 writes them (3.3.4 to 3.3.6, 3.3.14), in seconds."""

import re
from typing import NamedTuple

from sync_worker.domain.budget import Refused
from sync_worker.domain.civil import DAY, day_of
from sync_worker.domain.quirks import TIMES
from sync_worker.domain.values import Flaw
from sync_worker.domain.zones import FIRST, LAST

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)([0-5]\d)([0-5]\d)(Z?))?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?=\w)(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)(?::?(\d\d))?", re.ASCII)


class Written(NamedTuple):
    """A date or time without its zone: `wall` seconds, whether it is a date, whether it ended in Z."""

    wall: int
    is_date: bool
    is_utc: bool


class Duration(NamedTuple):
    """Seconds: of days and weeks on the wall clock, then of hours, minutes and seconds exactly (RFC 5545, 3.3.6)."""

    nominal: int = 0
    exact: int = 0


def read_time(text: str) -> Written:
    """Read DATE or DATE-TIME by its shape, whatever VALUE says. Raise `Refused`."""
    match = _TIME.fullmatch(text) or _TIME.fullmatch(_repaired(text))
    if match is None:
        raise Refused(Flaw.TIME_MALFORMED)
    year, month, day, hour, minute, second, utc = match.groups()
    try:
        wall = day_of(int(year), int(month), int(day)) * DAY
    except ValueError:
        raise Refused(Flaw.TIME_MALFORMED) from None
    if hour is not None:
        wall += _clock(int(hour), int(minute), int(second))
    if wall < FIRST:
        raise Refused(Flaw.TIME_MALFORMED)
    return Written(min(wall, LAST), hour is None, utc == "Z")


def _clock(hour: int, minute: int, second: int) -> int:
    """24:00:00 is the end of the day, as in ISO 8601."""
    clock = hour * 3600 + minute * 60 + second
    if clock > DAY:
        raise Refused(Flaw.TIME_MALFORMED)
    return clock


def _repaired(text: str) -> str:
    for quirk in TIMES:
        text = quirk(text)
    return text


def read_duration(text: str) -> Duration:
    """Read a DURATION, perhaps negative. Raise `Refused`."""
    match = _DURATION.fullmatch(text.strip().upper())
    if match is None:
        raise Refused(Flaw.TIME_MALFORMED)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    nominal = min((weeks * 7 + days) * DAY, LAST)
    exact = min(hours * 3600 + minutes * 60 + seconds, LAST - nominal)
    return Duration(-nominal, -exact) if match[1] == "-" else Duration(nominal, exact)


def read_offset(text: str) -> int:
    """Read a UTC-OFFSET in seconds east. Raise `Refused`."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        raise Refused(Flaw.ZONE_MALFORMED)
    hours, minutes, seconds = int(match[2]), int(match[3]), int(match[4] or 0)
    offset = hours * 3600 + minutes * 60 + seconds
    if offset >= DAY:
        raise Refused(Flaw.ZONE_MALFORMED)
    return -offset if match[1] == "-" else offset
