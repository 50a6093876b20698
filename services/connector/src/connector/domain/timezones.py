"""Time zones by name."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

_LOCAL: Final = frozenset({"localtime", "Factory", "posixrules"})
"""Names that mean something else on each machine, or nothing."""


def is_time_zone(name: str) -> bool:
    """Whether `name` is in the IANA database, older names that browsers still send included."""
    return name in time_zones()


@cache
def time_zones() -> frozenset[str]:
    """The names that are the same zone everywhere."""
    return frozenset(available_timezones() - _LOCAL)
