"""Zones and recurrence rules that somebody might have in a calendar."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

# Half hours, Ramadan, two hours at once, summer time at midnight, below zero and the other way round, a day that was
# left out, names of Windows, and one that the object defines itself.
OWN_ZONE: Final = "Our Own Time"
ZONES: Final = {
    **dict.fromkeys(("Europe/Paris", "America/New_York"), 4),
    **dict.fromkeys(("Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "Africa/Cairo"), 2),
    **dict.fromkeys(("Asia/Kathmandu", "America/St_Johns", "Europe/Dublin", "Pacific/Apia", "Asia/Beirut"), 1),
    **dict.fromkeys(("W. Europe Standard Time", "Pacific Standard Time", OWN_ZONE), 2),
}
INFOS: Final = {
    "W. Europe Standard Time": ZoneInfo("Europe/Berlin"),
    "Pacific Standard Time": ZoneInfo("America/Los_Angeles"),
    OWN_ZONE: ZoneInfo("America/Santiago"),
}
STEADY: Final = frozenset({"utc", "UTC", "Asia/Kathmandu"})
"""Whose clocks never change."""
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# What the IANA database says of Chile since 2023.
DEFINITION: Final = f"""BEGIN:VTIMEZONE
TZID:{OWN_ZONE}
BEGIN:STANDARD
DTSTART:20230402T000000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU
TZOFFSETFROM:-0300
TZOFFSETTO:-0400
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20220911T000000
RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0300
END:DAYLIGHT
END:VTIMEZONE
""".replace("\n", "\r\n")


def zone_of(kind: str) -> ZoneInfo:
    return INFOS.get(kind) or ZoneInfo("UTC" if kind == "utc" else kind)


@cache
def fold_of(kind: str) -> tuple[datetime, timedelta] | None:
    """When a zone's clocks first go back in 2026, in UTC, and by how much."""
    zone = zone_of(kind)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    while at.year == 2026:
        before = (at - timedelta(minutes=15)).astimezone(zone).utcoffset() or timedelta()
        after = at.astimezone(zone).utcoffset() or timedelta()
        if after < before:
            return at, before - after
        at += timedelta(minutes=15)
    return None


def some(chance: random.Random, values: Sequence[int | str], most: int) -> str:
    return ",".join(map(str, chance.sample(values, chance.randint(1, most))))


def endless_rule(chance: random.Random, *, all_day: bool, not_as: str = "") -> str:
    """A rule without COUNT and UNTIL, of another frequency than that of the rule `not_as`."""
    weights = {"YEARLY": 3, "MONTHLY": 5, "WEEKLY": 6, "DAILY": 3, "HOURLY": 1, "MINUTELY": 0.5}
    if all_day:
        weights |= {"HOURLY": 0, "MINUTELY": 0}
    weights |= {frequency: 0 for frequency in weights if not_as.startswith(f"FREQ={frequency}")}
    frequency = chance.choices([*weights], [*weights.values()])[0]
    parts = [f"FREQ={frequency}"]
    if frequency in {"HOURLY", "MINUTELY"}:
        parts.append(f"INTERVAL={chance.choice([5, 7, 12, 36]) * (1 if frequency == 'HOURLY' else 61)}")
    elif chance.random() < 0.4:
        parts.append(f"INTERVAL={chance.choice([2, 3, 4, 6])}")
    parts += _days(chance, frequency)
    if frequency == "DAILY" and not all_day and chance.random() < 0.3:
        parts.append("BYHOUR=" + some(chance, range(24), 3))
    return ";".join(parts)


def _days(chance: random.Random, frequency: str) -> list[str]:
    by_day = f"BYDAY={some(chance, WEEKDAYS, 4)}"
    nth = f"BYDAY={chance.choice([1, 2, 3, 4, 5, -1, -2])}{chance.choice(WEEKDAYS)}"
    position = f"BYSETPOS={chance.choice(['1', '2', '-1', '1,-1'])}"
    month = f"BYMONTH={some(chance, range(1, 13), 3)}"
    # The first and the last weeks reach into another year: dateutil leaves out their days there.
    weeks = f"BYWEEKNO={some(chance, range(2, 52), 3)}"
    choices = {
        "WEEKLY": [[], [], [by_day], [by_day], [by_day, month]],
        "MONTHLY": [[], [], [nth], [nth, month], [by_day, position], [by_day, "BYMONTHDAY=13"],
                    [f"BYMONTHDAY={some(chance, (1, 15, 28, 29, 30, 31, -1, -2, -31), 3)}"]],
        "YEARLY": [[], [], [month, nth], [nth], [month, "BYMONTHDAY=29,30,31,-1"], [month, by_day, position],
                   [weeks, by_day], [weeks, by_day, position],
                   [f"BYYEARDAY={some(chance, (1, 59, 60, 200, 365, 366, -1, -366, -306), 3)}"]],
        "DAILY": [[], [], [by_day], [month], ["BYMONTHDAY=1,2,-1"]],
    }  # fmt: skip
    week_start = [f"WKST={chance.choice(['MO', 'SU', 'WE'])}"] if chance.random() < 0.3 else []
    return chance.choice(choices.get(frequency, [[]])) + week_start


def several_a_day(rule: str) -> bool:
    return any(word in rule for word in ("HOURLY", "MINUTELY", "BYHOUR"))
