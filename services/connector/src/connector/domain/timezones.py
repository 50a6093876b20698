"""Time zones by name."""

from functools import cache
from zoneinfo import available_timezones


def is_time_zone(name: str) -> bool:
    """Whether `name` is in the IANA database, older names that browsers still send included."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
