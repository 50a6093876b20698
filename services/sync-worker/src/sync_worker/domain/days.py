"""Which days of a year, month or week a rule names, as numbers (see `civil`)."""

from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from sync_worker.domain.civil import civil, day_of, weekday
from sync_worker.domain.rules import Rule

_ALL_MONTHS = range(1, 13)
_DAYS_OF_A_WEEK = 7
_MIDDLE = 3


def days_of_month(rule: Rule, year: int, month: int) -> list[int]:
    """Return the days of one month that the rule names, sorted; a numbered weekday counts inside the month."""
    if rule.months and month not in rule.months:
        return []
    first, length = _month(year, month)
    if rule.month_days:
        days = set(_counted(rule.month_days, first, length))
        if rule.weekdays:
            days.intersection_update(_weekdays(rule, first, length))
    else:
        days = set(_weekdays(rule, first, length)) if rule.weekdays else set(range(first, first + length))
    return sorted(_kept_by_year_parts(rule, days))


def days_of_year(rule: Rule, year: int) -> list[int]:
    """Return the days of one year that the rule names, sorted; a numbered weekday counts inside the months, if any."""
    if rule.months or (rule.month_days and not rule.weekdays):
        months = sorted(rule.months) or _ALL_MONTHS
        return list(chain.from_iterable(days_of_month(rule, year, month) for month in months))
    first, length = _year(year)
    days = set(_weekdays(rule, first, length)) if rule.weekdays else set(range(first, first + length))
    if rule.month_days:
        spans = (_month(year, month) for month in _ALL_MONTHS)
        days.intersection_update(day for span in spans for day in _counted(rule.month_days, *span))
    return sorted(_kept_by_year_parts(rule, days))


def day_allowed(rule: Rule, day: int) -> bool:
    """Whether the parts of the rule that limit days let this one pass; a weekday's number is not looked at."""
    if rule.weekdays and not any(wanted == weekday(day) for _, wanted in rule.weekdays):
        return False
    if rule.months or rule.month_days:
        at = civil(day)
        if rule.months and at.month not in rule.months:
            return False
        length = monthrange(at.year, at.month)[1]
        if rule.month_days and rule.month_days.isdisjoint((at.day, at.day - length - 1)):
            return False
    return _year_parts_allow(rule, day)


def _month(year: int, month: int) -> tuple[int, int]:
    return day_of(year, month, 1), monthrange(year, month)[1]


def _year(year: int) -> tuple[int, int]:
    return day_of(year, 1, 1), 366 if isleap(year) else 365


def _counted(numbers: Iterable[int], first: int, length: int) -> Iterator[int]:
    for number in numbers:
        if abs(number) <= length:
            yield first + (number - 1 if number > 0 else length + number)


def _weekdays(rule: Rule, first: int, length: int) -> Iterator[int]:
    """Each named weekday of [first, first + length), or the nth, or the nth from its end."""
    for number, wanted in rule.weekdays:
        days = range(first + (wanted - weekday(first)) % _DAYS_OF_A_WEEK, first + length, _DAYS_OF_A_WEEK)
        if not number:
            yield from days
        elif abs(number) <= len(days):
            yield days[number - 1 if number > 0 else number]


def _kept_by_year_parts(rule: Rule, days: set[int]) -> Iterable[int]:
    if not (rule.year_days or rule.weeks):
        return days
    return (day for day in days if _year_parts_allow(rule, day))


def _year_parts_allow(rule: Rule, day: int) -> bool:
    if rule.year_days:
        first, length = _year(civil(day).year)
        number = day - first + 1
        if rule.year_days.isdisjoint((number, number - length - 1)):
            return False
    return not rule.weeks or not rule.weeks.isdisjoint(_week_numbers(day, rule.week_start))


@lru_cache(maxsize=4096)
def _week_numbers(day: int, week_start: int) -> tuple[int, int]:
    """Number the day's week from the start and from the end of its week-year: week 1 holds at least four days of it."""
    midweek = day - (weekday(day) - week_start) % _DAYS_OF_A_WEEK + _MIDDLE
    first, length = _year(civil(midweek).year)
    number = (midweek - first) // _DAYS_OF_A_WEEK + 1
    # The last week's middle is the last day of the year that falls on the middle's weekday.
    weeks = (length - 1 - (midweek - first) % _DAYS_OF_A_WEEK) // _DAYS_OF_A_WEEK + 1
    return number, number - weeks - 1
