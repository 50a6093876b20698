"""Days as numbers since 1970-01-01, which was a Thursday."""

from datetime import date
from typing import Final

DAY: Final = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_THURSDAY = 3
_DAYS_OF_A_WEEK = 7


def day_of(year: int, month: int, day: int) -> int:
    """Raise ValueError for a day that does not exist."""
    return date(year, month, day).toordinal() - _EPOCH


def civil(day: int) -> date:
    """Tell the date of a day's number."""
    return date.fromordinal(day + _EPOCH)


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + _THURSDAY) % _DAYS_OF_A_WEEK
