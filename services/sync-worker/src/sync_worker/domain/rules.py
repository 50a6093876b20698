"""RRULE and EXRULE values (RFC 5545, 3.3.10), read and checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from sync_worker.domain.budget import Refused
from sync_worker.domain.quirks import repaired_rule
from sync_worker.domain.times import Written, read_time
from sync_worker.domain.values import Flaw


class Frequency(IntEnum):
    """From coarse to fine."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recurrence rule whose numbers are in range; empty sets where a part is absent.

    `weekdays` are (ordinal or 0, weekday 0 = Monday); what `until` means depends on DTSTART.
    """

    frequency: Frequency
    interval: int
    count: int | None
    until: Written | None
    week_start: int
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    month_days: frozenset[int]
    year_days: frozenset[int]
    weeks: frozenset[int]
    months: frozenset[int]
    positions: frozenset[int]

    def of_days(self) -> "Rule":
        """The rule of a DTSTART that is a date: its times of day say nothing (RFC 5545, 3.3.10)."""
        return replace(self, hours=frozenset(), minutes=frozenset(), seconds=frozenset())


_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY",
    "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS",
})  # fmt: skip
# RFC 7529. In the Gregorian scale with OMIT they say what RFC 5545 says anyway.
_HARMLESS = {"RSCALE": "GREGORIAN", "SKIP": "OMIT"}
_WEEKDAYS = {name: number for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_WEEKS_OF_A_YEAR, _DAYS_OF_A_YEAR, _DAYS_OF_A_MONTH = 53, 366, 31


def read_rule(text: str) -> Rule:
    """Raise `Refused` for what RFC 5545 does not allow or we do not support."""
    parts = _parts(repaired_rule(text))
    return Rule(
        frequency=_frequency(parts),
        interval=_positive(parts.get("INTERVAL", "1")),
        count=_positive(parts["COUNT"]) if "COUNT" in parts else None,
        until=read_time(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_weekday(parts.get("WKST", "MO"))[1],
        seconds=frozenset(min(second, 59) for second in _numbers(parts, "BYSECOND", lambda n: 0 <= n <= 60)),  # noqa: PLR2004  a leap second
        minutes=_numbers(parts, "BYMINUTE", lambda n: 0 <= n <= 59),  # noqa: PLR2004  minutes of an hour
        hours=_numbers(parts, "BYHOUR", lambda n: 0 <= n <= 23),  # noqa: PLR2004  hours of a day
        weekdays=frozenset(map(_weekday, _listed(parts, "BYDAY"))),
        month_days=_numbers(parts, "BYMONTHDAY", lambda n: 1 <= abs(n) <= _DAYS_OF_A_MONTH),
        year_days=_numbers(parts, "BYYEARDAY", lambda n: 1 <= abs(n) <= _DAYS_OF_A_YEAR),
        weeks=_numbers(parts, "BYWEEKNO", lambda n: 1 <= abs(n) <= _WEEKS_OF_A_YEAR),
        months=_numbers(parts, "BYMONTH", lambda n: 1 <= n <= 12),  # noqa: PLR2004  months of a year
        positions=_numbers(parts, "BYSETPOS", lambda n: 1 <= abs(n) <= _DAYS_OF_A_YEAR),
    )


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in filter(None, text.split(";")):
        name, _, value = part.partition("=")
        if name.startswith("X-") or _HARMLESS.get(name) == value:
            continue
        if name in _HARMLESS or name == "BYEASTER":
            raise Refused(Flaw.RULE_UNSUPPORTED)
        if name not in _PARTS or not value or name in parts:
            raise Refused(Flaw.RULE_MALFORMED)
        parts[name] = value
    return parts


def _frequency(parts: dict[str, str]) -> Frequency:
    try:
        return Frequency[parts.get("FREQ", "")]
    except KeyError:
        raise Refused(Flaw.RULE_MALFORMED) from None


def _listed(parts: dict[str, str], name: str) -> list[str]:
    return parts[name].split(",") if name in parts else []


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Refused(Flaw.RULE_MALFORMED)
    return int(text)


def _positive(text: str) -> int:
    number = _number(text)
    if number < 1:
        raise Refused(Flaw.RULE_MALFORMED)
    return number


def _numbers(parts: dict[str, str], name: str, allowed: Callable[[int], bool]) -> frozenset[int]:
    numbers = frozenset(map(_number, _listed(parts, name)))
    if not all(map(allowed, numbers)):
        raise Refused(Flaw.RULE_MALFORMED)
    return numbers


def _weekday(text: str) -> tuple[int, int]:
    match = _WEEKDAY.fullmatch(text)
    if match is None or (match[1] and not 1 <= abs(int(match[1])) <= _WEEKS_OF_A_YEAR):
        raise Refused(Flaw.RULE_MALFORMED)
    return int(match[1] or 0), _WEEKDAYS[match[2]]
