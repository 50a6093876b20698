"""Which instance of a series a RECURRENCE-ID, an EXDATE or an RDATE names."""

from collections.abc import Iterator

from sync_worker.domain.budget import Budget
from sync_worker.domain.civil import DAY
from sync_worker.domain.events import Event
from sync_worker.domain.quirks import day_meant, second_pass, until_meant
from sync_worker.domain.recurrence import Window, walls
from sync_worker.domain.rules import Frequency, Rule
from sync_worker.domain.times import Written
from sync_worker.domain.zones import LAST, UTC_ZONE, Moment, Zone

# To enter a rule at one day costs so many of its candidates.
_STEPS_OF_A_RULE = 16


def meant(named: Moment, series: Event, home: Zone, budget: Budget) -> Moment:
    """The instance, in the kind of time that its series uses.

    A date names the instance at the series' own time of day; where that day has others alone, the first of them.
    """
    start = series.start
    if start.is_date:
        return named if named.is_date else Moment(day_meant(named, home), home, is_date=True, floating=True)
    if named.is_date:
        return _of_day(named.wall, series, home, budget)
    second = second_pass(named)
    if second and not is_instance(named, series, home, budget) and is_instance(second, series, home, budget):
        return second
    return named


def is_instance(moment: Moment, series: Event, home: Zone, budget: Budget) -> bool:
    """Whether a series has an instance then, be it left out. `moment` is in the kind of time that it uses."""
    instant, zone = moment.instant, series.start.zone
    wall = moment.wall if moment.zone == zone else zone.wall(instant)
    return any(at == instant for _, at in _instances(wall, wall, series, home, budget))


def extra(date: Moment, start: Moment, home: Zone) -> Moment:
    """The instance that an RDATE adds; a date alone is at the series' time of day."""
    if start.is_date:
        return Moment(day_meant(date, home), start.zone)
    return Moment(date.wall + start.wall % DAY, start.zone) if date.is_date else date


def last_wall(rule: Rule, start: Moment) -> int:
    """Tell the last wall time that a rule may name."""
    return LAST if rule.until is None else until_meant(_until_moment(rule.until, start), start)


def _until_moment(until: Written, start: Moment) -> Moment:
    zone = UTC_ZONE if until.is_utc else start.zone
    return Moment(until.wall, zone, is_date=until.is_date, floating=start.floating)


def _of_day(day: int, series: Event, home: Zone, budget: Budget) -> Moment:
    start = series.start
    usual = Moment(day + start.wall % DAY, start.zone)
    if not series.dates and not any(map(_names_times, series.rules)):
        return usual
    found = dict(_instances(day, day + DAY - 1, series, home, budget))
    if usual.wall in found or not found:
        return usual
    return Moment(found[min(found)], UTC_ZONE)


def _names_times(rule: Rule) -> bool:
    """Whether a rule may name other times of day than DTSTART's."""
    return rule.frequency > Frequency.DAILY or bool(rule.hours or rule.minutes or rule.seconds)


def _instances(first: int, last: int, series: Event, home: Zone, budget: Budget) -> Iterator[tuple[int, int]]:
    """Yield the instances of a series from one wall time to another, as wall time and instant."""
    start = series.start
    budget.spend(1 + len(series.dates) + _STEPS_OF_A_RULE * len(series.rules))
    for moment in (start, *(extra(date, start, home) for date, _ in series.dates)):
        wall = moment.wall if moment.zone == start.zone else start.zone.wall(moment.instant)
        if first <= wall <= last:
            yield wall, moment.instant
    for rule in series.rules:
        for wall in walls(rule, start.wall, Window(first, min(last, last_wall(rule, start))), budget):
            yield wall, start.zone.instant(wall)
