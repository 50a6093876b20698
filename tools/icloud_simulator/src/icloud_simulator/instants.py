"""iCalendar times as instants. Floating times and dates count as UTC, as in a collection without a time zone."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icloud_simulator.ics import Line

_DURATION = re.compile(r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_FIELDS = ("weeks", "days", "hours", "minutes", "seconds")


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo | None:
    """Find the zone of a TZID in the IANA database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_date(line: Line) -> bool:
    """Tell whether a line holds dates rather than times."""
    return line.parameters.get("VALUE") == "DATE" or re.fullmatch(r"\d{8}", line.value) is not None


def zone_of(line: Line, value: str) -> tzinfo:
    """Return the zone that a value of this line is written in. Raises ValueError for a TZID that nobody knows."""
    tzid = line.parameters.get("TZID")
    if value.endswith("Z") or tzid is None or is_date(line):
        return UTC
    known = zone(tzid)
    if known is None:
        raise ValueError("unknown TZID")
    return known


def wall_clock(value: str) -> datetime:
    """Read a DATE or DATE-TIME as written, without zone. Raises ValueError."""
    text = value.removesuffix("Z")
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - a wall clock has no zone yet
    return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a wall clock has no zone yet


def instant(line: Line, value: str | None = None) -> datetime:
    """Read a line's value (or one of several) as an aware UTC time. Raises ValueError."""
    text = line.value if value is None else value
    return wall_clock(text).replace(tzinfo=zone_of(line, text)).astimezone(UTC)


def duration(text: str) -> timedelta:
    """Read a DURATION (RFC 5545, section 3.3.6). Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None or text in {"P", "PT"}:
        raise ValueError("not a duration")
    sign, *numbers = match.groups()
    length = timedelta(**{name: int(number) for name, number in zip(_FIELDS, numbers, strict=True) if number})
    return -length if sign == "-" else length


def utc_stamp(moment: datetime) -> str:
    """Write an instant as a UTC DATE-TIME."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def midnight(day: date) -> datetime:
    """Return the first instant of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
