"""One rule at a time, against python-dateutil on the same wall clock."""

import os
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import pytest
from dateutil.rrule import rrulestr

from sync_worker.domain.budget import Budget, Refused
from sync_worker.domain.recurrence import Window, walls
from sync_worker.domain.rules import read_rule

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall time
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
RULES = int(os.environ.get("CALSYNC_TEST_RULES", "600"))
ANYWHERE = Window(-(2**40), 2**37)


def wall(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def expanded(text: str, start: datetime, window: Window = ANYWHERE, steps: int = 300_000) -> list[datetime]:
    found = walls(read_rule(text), wall(start), window, Budget(steps))
    return [EPOCH + timedelta(seconds=seconds) for seconds in found]


def some(chance: random.Random, values: Sequence[int | str], most: int) -> str:
    return ",".join(map(str, chance.sample(values, chance.randint(1, most))))


def day_parts(chance: random.Random, frequency: str) -> Iterator[str]:
    shape = chance.random()
    rare = frequency in {"YEARLY", "MONTHLY"}
    if frequency == "YEARLY" and shape < 0.15:
        yield "BYYEARDAY=" + some(chance, [*range(1, 366, 7), *range(-360, 0, 11)], 4)
    elif frequency == "YEARLY" and shape < 0.3:
        yield "BYWEEKNO=" + some(chance, range(2, 52), 3) + ";BYDAY=" + some(chance, WEEKDAYS, 3)
    elif rare and shape < 0.5:
        yield "BYDAY=" + ",".join(
            f"{chance.choice([1, 2, 3, 4, 5, -1, -2])}{day}" for day in chance.sample(WEEKDAYS, 2)
        )
    elif shape < 0.65:
        yield "BYDAY=" + some(chance, WEEKDAYS, 4)
    elif rare and shape < 0.8:
        yield "BYMONTHDAY=" + some(chance, [*range(1, 32), *range(-31, 0)], 4)
        return
    elif rare and shape < 0.9:
        yield "BYDAY=" + some(chance, WEEKDAYS, 4) + ";BYMONTHDAY=" + some(chance, range(1, 20), 12)
    if chance.random() < 0.25:
        yield "BYMONTH=" + some(chance, range(1, 13), 5)


def random_rule(chance: random.Random) -> str:
    """Rules that dateutil can finish: it looks for ever for a date that never comes."""
    frequency = chance.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"])
    parts = [f"FREQ={frequency}", *day_parts(chance, frequency)]
    if chance.random() < 0.5:
        parts.append(f"INTERVAL={chance.choice([2, 3, 4, 5, 12, 50])}")
    if chance.random() < 0.15:
        parts.append("BYHOUR=" + some(chance, range(24), 3))
    if chance.random() < 0.1:
        parts.append("BYMINUTE=" + some(chance, range(60), 3))
    if chance.random() < 0.15 and len(parts) > 1:
        parts.append("BYSETPOS=" + some(chance, [1, -1], 2))
    if chance.random() < 0.2:
        parts.append(f"WKST={chance.choice(['SU', 'WE', 'SA'])}")
    if chance.random() < 0.3:
        parts.append(f"COUNT={chance.randint(1, 60)}")
    return ";".join(parts)


def by_dateutil(text: str, start: datetime, first: datetime, last: datetime) -> list[datetime]:
    rule = rrulestr(text, dtstart=start)
    return [found for found in takewhile(lambda found: found <= last, rule) if found >= first]


@pytest.mark.parametrize("block", range(6))
def test_random_rules_name_the_same_times_as_dateutil(block: int) -> None:
    chance = random.Random(f"rules {block}")  # noqa: S311  the same each time

    for _ in range(RULES // 6):
        start = datetime(1990, 1, 1) + timedelta(minutes=chance.randint(0, 30 * 365 * 1440))  # noqa: DTZ001  wall time
        text = random_rule(chance)
        first = start + timedelta(days=chance.randint(0, 1000))
        last = first + timedelta(days=chance.choice([2, 20, 400]))

        ours = expanded(text, start, Window(wall(first), wall(last)), steps=10**8)

        assert ours == by_dateutil(text, start, first, last), (text, start, first, last)


def random_fine_rule(chance: random.Random) -> tuple[str, dict[str, set[int]]]:
    frequency = chance.choice(["HOURLY", "MINUTELY", "SECONDLY"])
    ranges = {"BYMONTH": range(1, 13), "BYHOUR": range(24), "BYMINUTE": range(60), "BYSECOND": range(60)}
    parts = {
        name: set(chance.sample(values, chance.randint(1, len(values) // 2)))
        for name, values in ranges.items()
        if chance.random() < 0.4
    }
    text = f"FREQ={frequency};INTERVAL={chance.choice([1, 1, 2, 5, 7, 90])}"
    return text + "".join(f";{name}={','.join(map(str, values))}" for name, values in parts.items()), parts


def second_by_second(text: str, parts: dict[str, set[int]], start: datetime, first: int, last: int) -> list[datetime]:
    """The definition itself: every second that is in step and that no part forbids."""
    unit = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}[text[5:].partition(";")[0]]
    interval = int(text.partition("INTERVAL=")[2].partition(";")[0])
    minutes = parts.get("BYMINUTE") or ({start.minute} if unit == 3600 else set(range(60)))
    seconds = parts.get("BYSECOND") or ({start.second} if unit > 1 else set(range(60)))
    hours, months = parts.get("BYHOUR", set(range(24))), parts.get("BYMONTH", set(range(1, 13)))
    origin = wall(start) - wall(start) % unit
    return [
        at
        for second in range(max(first, wall(start)), last + 1)
        if (second - origin) // unit % interval == 0
        and second // 60 % 60 in minutes
        and second % 60 in seconds
        and (at := EPOCH + timedelta(seconds=second)).hour in hours
        and at.month in months
    ]


@pytest.mark.parametrize("block", range(4))
def test_hours_minutes_and_seconds_are_those_of_the_definition(block: int) -> None:
    chance = random.Random(f"fine {block}")  # noqa: S311  the same each time

    for _ in range(8):
        start = datetime(2026, 1, 25) + timedelta(seconds=chance.randint(0, 5 * 86_400))  # noqa: DTZ001  wall time
        text, parts = random_fine_rule(chance)
        first = wall(start) + chance.choice([0, 1000, 100_000])
        last = first + 90_000

        ours = expanded(text, start, Window(first, last), steps=10**8)

        assert ours == second_by_second(text, parts, start, first, last), (text, start)


def test_a_weekday_with_and_one_without_a_number_add_up() -> None:
    first_of_month = datetime(2026, 6, 1, 9)  # noqa: DTZ001  wall time

    found = expanded("FREQ=MONTHLY;BYDAY=MO,2TU;COUNT=7", first_of_month)

    assert [moment.day for moment in found] == [1, 8, 9, 15, 22, 29, 6]


def test_29_february_skips_common_years() -> None:
    found = expanded("FREQ=YEARLY;COUNT=3", datetime(2024, 2, 29, 9))  # noqa: DTZ001  wall time

    assert [moment.year for moment in found] == [2024, 2028, 2032]


def test_a_series_that_began_long_ago_costs_no_more_than_a_young_one() -> None:
    window = Window(wall(datetime(2026, 1, 1)), wall(datetime(2026, 2, 1)))  # noqa: DTZ001  wall time

    found = expanded("FREQ=MINUTELY;INTERVAL=1440", datetime(1900, 1, 1, 9), window, steps=200)  # noqa: DTZ001  wall time

    assert len(found) == 31


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    ],
)
def test_a_rule_that_never_comes_true_names_nothing_and_ends(text: str) -> None:
    window = Window(wall(datetime(2026, 1, 1)), wall(datetime(2027, 1, 1)))  # noqa: DTZ001  wall time

    assert expanded(text, datetime(2025, 12, 1), window) == []  # noqa: DTZ001  wall time


def test_work_past_the_budget_is_refused() -> None:
    with pytest.raises(Refused):
        expanded("FREQ=SECONDLY;COUNT=1000000000", datetime(1900, 1, 1))  # noqa: DTZ001  wall time
