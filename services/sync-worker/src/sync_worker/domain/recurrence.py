"""Expansion of one rule on the wall clock, by periods, from where it matters.

A wall time is the seconds since 1970-01-01T00:00:00 as the clock on the wall shows them; zones come later.
Rules without COUNT are entered at the window, however long ago they began; each period costs steps of the budget,
so that no rule, however absurd, runs for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from sync_worker.domain.budget import Budget, Refused
from sync_worker.domain.civil import DAY, civil, weekday
from sync_worker.domain.days import day_allowed, days_of_month, days_of_year
from sync_worker.domain.rules import Frequency, Rule
from sync_worker.domain.values import Flaw

_WEEK = 7
_MONTHS = 12
_UNITS = {Frequency.HOURLY: 3600, Frequency.MINUTELY: 60, Frequency.SECONDLY: 1}
_PERIOD_COST = {Frequency.YEARLY: 24, Frequency.MONTHLY: 4, Frequency.WEEKLY: 2}
_DAYS_OF_A_PERIOD = {Frequency.YEARLY: 366, Frequency.MONTHLY: 31, Frequency.WEEKLY: 7}
_LAST_YEAR = 9998
# A rule that names more times a day than there are minutes is an attack, not a calendar.
_TIMES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Window:
    """Wall times from `first` to `last`, both included."""

    first: int
    last: int


def walls(rule: Rule, start: int, window: Window, budget: Budget) -> Iterator[int]:
    """Yield the rule's wall times inside the window, ascending, none before `start`.

    `start` is DTSTART; it is yielded only if the rule names it. Raise `Refused` when the budget is spent.
    """
    rule = _completed(rule, start)
    cost = _cost(rule)
    left = rule.count
    entry = max(start, window.first) if left is None else start
    for times in _periods(rule, start, Window(entry, window.last), budget):
        budget.spend(cost + len(times))
        for wall in _picked(times, rule.positions) if rule.positions else times:
            if wall < start:
                continue
            if wall > window.last or left == 0:
                return
            if left is not None:
                left -= 1
            if wall >= window.first:
                yield wall


def _completed(rule: Rule, start: int) -> Rule:
    """Take what the rule leaves open from DTSTART (RFC 5545, 3.3.10, last paragraphs)."""
    day, clock = divmod(start, DAY)
    frequency = rule.frequency
    rule = replace(
        rule,
        seconds=rule.seconds or _only(clock % 60, when=frequency < Frequency.SECONDLY),
        minutes=rule.minutes or _only(clock // 60 % 60, when=frequency < Frequency.MINUTELY),
        hours=rule.hours or _only(clock // 3600, when=frequency < Frequency.HOURLY),
    )
    if rule.weekdays or rule.month_days or rule.year_days or frequency > Frequency.WEEKLY:
        return rule
    if frequency is Frequency.WEEKLY or rule.weeks:
        return replace(rule, weekdays=frozenset({(0, weekday(day))}))
    at = civil(day)
    months = rule.months or _only(at.month, when=frequency is Frequency.YEARLY)
    return replace(rule, months=months, month_days=frozenset({at.day}))


def _only(value: int, *, when: bool) -> frozenset[int]:
    return frozenset({value}) if when else frozenset()


def _cost(rule: Rule) -> int:
    """Steps of budget that one period of this rule is worth: what each part names, and each day that is looked at."""
    parts = len(rule.weekdays) + len(rule.month_days) + len(rule.year_days) + len(rule.weeks) + len(rule.positions)
    days = _DAYS_OF_A_PERIOD.get(rule.frequency, 1) if rule.year_days or rule.weeks else 0
    return _PERIOD_COST.get(rule.frequency, 1) * (1 + parts) + days


def _picked(times: Sequence[int], positions: frozenset[int]) -> list[int]:
    """BYSETPOS: the nth of the period, or the nth from its end."""
    size = len(times)
    return sorted({times[n - 1 if n > 0 else n] for n in positions if abs(n) <= size})


def _periods(rule: Rule, start: int, window: Window, budget: Budget) -> Iterator[Sequence[int]]:
    if rule.frequency in _UNITS:
        return _slots(rule, start, window, budget)
    if len(rule.hours) * len(rule.minutes) * len(rule.seconds) > _TIMES_A_DAY:
        raise Refused(Flaw.TOO_MUCH_WORK)
    clock = sorted(h * 3600 + m * 60 + s for h, m, s in product(rule.hours, rule.minutes, rule.seconds))
    days = _days(rule, start // DAY, window.first // DAY, window.last // DAY)
    if len(clock) == 1:
        return ([day * DAY + clock[0] for day in period] for period in days)
    return ([day * DAY + time for day in period for time in clock] for period in days)


def _days(rule: Rule, start: int, first: int, last: int) -> Iterator[Sequence[int]]:
    """Yield the days of each period from the one that holds `first`, in step with the one that holds `start`."""
    step = rule.interval
    match rule.frequency:
        case Frequency.YEARLY:
            years = _aligned(civil(start).year, step, civil(first).year, min(civil(last).year, _LAST_YEAR))
            return (days_of_year(rule, year) for year in years)
        case Frequency.MONTHLY:
            months = _aligned(_month(start), step, _month(first), min(_month(last), _LAST_YEAR * _MONTHS))
            return (days_of_month(rule, month // _MONTHS, month % _MONTHS + 1) for month in months)
        case Frequency.WEEKLY:
            monday = _week_of(start, rule.week_start)
            weeks = _aligned(monday, step * _WEEK, _week_of(first, rule.week_start), last)
            return _weeks(rule, weeks)
        case _:
            return ([day] if day_allowed(rule, day) else [] for day in _aligned(start, step, first, last))


def _aligned(start: int, step: int, first: int, last: int) -> range:
    """Count from `start` by `step`, beginning with the last that is not after `first`."""
    skipped = max(0, (first - start) // step) * step
    return range(start + skipped, last + 1, step)


def _month(day: int) -> int:
    at = civil(day)
    return at.year * _MONTHS + at.month - 1


def _week_of(day: int, week_start: int) -> int:
    return day - (weekday(day) - week_start) % _WEEK


def _weeks(rule: Rule, weeks: range) -> Iterator[Sequence[int]]:
    offsets = sorted({(wanted - rule.week_start) % _WEEK for _, wanted in rule.weekdays}) or range(_WEEK)
    limited = rule.months or rule.month_days or rule.year_days or rule.weeks
    for week in weeks:
        days = [week + offset for offset in offsets]
        yield [day for day in days if day_allowed(rule, day)] if limited else days


def _slots(rule: Rule, start: int, window: Window, budget: Budget) -> Iterator[Sequence[int]]:
    """Walk the hours, minutes or seconds of the rule; what a whole day or hour forbids is jumped over."""
    unit = _UNITS[rule.frequency]
    step = unit * rule.interval
    origin = start - start % unit
    seconds = sorted(rule.seconds)
    inside = [m * 60 + s for m in sorted(rule.minutes) for s in seconds]
    slot = origin + max(0, (window.first - origin) // step) * step
    cost = _cost(rule)
    while slot <= window.last:
        barred = _barred_until(rule, slot)
        if barred is not None:
            budget.spend(cost)
            slot += -(-(barred - slot) // step) * step
            continue
        if rule.frequency is Frequency.HOURLY:
            yield [slot + time for time in inside]
        elif rule.frequency is Frequency.MINUTELY:
            yield [slot + second for second in seconds]
        else:
            yield [slot]
        slot += step


def _barred_until(rule: Rule, slot: int) -> int | None:
    """Tell when the day, hour, minute or second that forbids this slot is over; None when nothing forbids it."""
    day, clock = divmod(slot, DAY)
    if not day_allowed(rule, day):
        return (day + 1) * DAY
    if rule.hours and clock // 3600 not in rule.hours:
        return slot - clock % 3600 + 3600
    if rule.frequency > Frequency.HOURLY and rule.minutes and clock // 60 % 60 not in rule.minutes:
        return slot - clock % 60 + 60
    if rule.frequency is Frequency.SECONDLY and rule.seconds and clock % 60 not in rule.seconds:
        return slot + 1
    return None
