"""Recurrence rules as starts, for windows of time; the ones that would never end are refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from dateutil.rrule import DAILY, rrule, rrulestr

from icloud_simulator.ics import Line
from icloud_simulator.instants import wall_clock, zone_of

# A daily rule reaches this far in 137 years; denser ones are not worth expanding in a simulator.
_INSTANCES_AT_MOST = 50_000
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# RFC 5545 allows none of these with a daily rule, and dateutil would look for a match until the year 9999.
_NOT_DAILY = {"BYSETPOS", "BYWEEKNO", "BYYEARDAY"}


def rule_starts(rule: str, start: Line, until: datetime) -> Iterator[datetime]:
    """Yield the starts of one rule up to a moment, on the wall clock of DTSTART's zone.

    Raises ValueError for a rule that is wrong or too dense to expand.
    """
    local = zone_of(start, start.value)
    parts = dict(part.split("=", 1) for part in rule.upper().rstrip(";").split(";"))
    count = int(parts.pop("COUNT", _INSTANCES_AT_MOST))
    bound = _on_wall(until, local)
    if (last := parts.pop("UNTIL", None)) is not None:
        bound = min(bound, _last_start(last, local, dated="T" not in start.value))
    if not _ever_happens(parts):
        return
    repeated = rrulestr(";".join(f"{key}={value}" for key, value in parts.items()), dtstart=wall_clock(start.value))
    if not isinstance(repeated, rrule) or _finer_than_a_day(repeated):
        raise ValueError("a rule too dense to expand")
    for moment in islice(repeated.replace(until=bound), min(count, _INSTANCES_AT_MOST)):
        yield moment.replace(tzinfo=local).astimezone(UTC)


def _ever_happens(parts: dict[str, str]) -> bool:
    """Tell whether any day can match. Raises ValueError where that is not worth finding out."""
    if int(parts.get("INTERVAL", "1")) < 1:
        raise ValueError("a rule that never advances")
    if parts.get("FREQ") == "DAILY" and _NOT_DAILY & parts.keys():
        raise ValueError("a rule that may never match")
    if "BYMONTH" not in parts or "BYMONTHDAY" not in parts:
        return True
    days = [abs(int(day)) for day in parts["BYMONTHDAY"].split(",")]
    longest = max(_LONGEST_MONTHS[int(month) - 1] for month in parts["BYMONTH"].split(","))
    return min(days) <= longest


def _finer_than_a_day(rule: rrule) -> bool:
    frequency: int = rule._freq  # type: ignore[attr-defined]  # noqa: SLF001 - dateutil tells it nowhere else
    return frequency > DAILY


def _on_wall(moment: datetime, local: tzinfo) -> datetime:
    try:
        return moment.astimezone(local).replace(tzinfo=None)
    except OverflowError:  # the end of time, in a zone that is already past it
        return moment.replace(tzinfo=None)


def _last_start(text: str, local: tzinfo, *, dated: bool) -> datetime:
    """Read UNTIL on DTSTART's wall clock. A date includes its whole day."""
    moment = wall_clock(text)
    if "T" not in text:
        return moment if dated else moment + timedelta(days=1, microseconds=-1)
    return _on_wall(moment.replace(tzinfo=UTC), local) if text.endswith("Z") and not dated else moment
