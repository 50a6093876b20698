"""All events of one UID put together: what recurs, what is left out, what is moved, and what each occurrence is."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sync_worker.domain.budget import Budget
from sync_worker.domain.civil import DAY
from sync_worker.domain.events import Event, Length
from sync_worker.domain.gathering import Gathering
from sync_worker.domain.quirks import day_meant, until_meant
from sync_worker.domain.recurrence import Window, walls
from sync_worker.domain.rules import Rule
from sync_worker.domain.times import Written
from sync_worker.domain.zones import FIRST, LAST, UTC_ZONE, Moment, Zone


def gather(events: list[Event], home: Zone, gathering: Gathering, budget: Budget) -> None:
    """Add the occurrences of events that share a UID. Raise `Refused` when there are too many; the nearest are in."""
    masters = _newest(event for event in events if event.replaces is None)
    overrides = _newest_of_each(event for event in events if event.replaces is not None)
    if not masters:
        # Invited to single instances only. One that brings its own rule for all later ones is a series after all.
        masters = [event for event in overrides if event.onwards and event.rules][:1]
        overrides = [event for event in overrides if event not in masters]
    if not masters:
        for event in overrides:
            _add(gathering, event)
    for master in masters:
        for part, inside, ends in _parts(master, overrides, budget):
            Series(part, inside, home, gathering, ends=ends).gather(budget)


def _newest(events: Iterable[Event]) -> list[Event]:
    """Return those of the highest SEQUENCE (RFC 5546, 2.1.4); where that does not tell them apart, all of them."""
    events = list(events)
    highest = max((event.sequence for event in events), default=0)
    return [event for event in events if event.sequence == highest]


def _newest_of_each(overrides: Iterable[Event]) -> list[Event]:
    same: dict[Moment | None, list[Event]] = {}
    for event in overrides:
        same.setdefault(event.replaces, []).append(event)
    return [event for events in same.values() for event in _newest(events)]


def _parts(master: Event, overrides: list[Event], budget: Budget) -> Iterator[tuple[Event, list[Event], int]]:
    """Cut a series where an override changes its rule from then on: there the override's own series begins.

    Yield each part's master, the overrides inside of it, and the instant at which it ends.
    """
    plain: list[Event] = []
    restarts: list[Event] = []
    for event in overrides:
        (restarts if event.onwards and event.rules and event.rules != master.rules else plain).append(event)
    restarts.sort(key=_place)
    firsts = [FIRST, *map(_place, restarts)]
    for part, first, last in zip([master, *restarts], firsts, [*firsts[1:], LAST], strict=True):
        budget.spend(len(overrides))
        inside = [event for event in plain if first <= _place(event) < last]
        yield replace(part, excluded=part.excluded + master.excluded) if first != FIRST else part, inside, last


def _place(event: Event) -> int:
    return event.start.instant if event.replaces is None else event.replaces.instant


def _add(gathering: Gathering, event: Event) -> None:
    """Add the one occurrence that a VEVENT names itself."""
    gathering.add(event.facts, event.start.instant, end_of(event))


def end_of(event: Event) -> int:
    """When the one occurrence that a VEVENT names itself ends."""
    return _end(event.start.zone, event.start.wall, event.length, event.start.instant)


def _end(zone: Zone, wall: int, length: Length, begin: int) -> int:
    """Tell when what begins at `wall` ends; where the clock jumps over all of it, it lasts as long afterwards."""
    end = begin + length.seconds if length.exact else zone.instant(wall + length.seconds)
    return end if end > begin else begin + length.seconds


@dataclass(frozen=True, slots=True)
class _Onwards:
    """From the instance `key` on, instances are like `event`, and `by` seconds later on the wall of its zone."""

    key: int
    event: Event
    by: int


class Series:
    """One master, up to the instant `ends`, and what replaces its instances.

    An instance is known by its key: its wall time if the series is all-day, else its instant.
    """

    def __init__(self, master: Event, overrides: list[Event], home: Zone, gathering: Gathering, *, ends: int) -> None:
        self._master = master
        self._home = home
        self._gathering = gathering
        self._ends = ends
        self._zone = master.start.zone
        self._by_day = master.start.is_date
        self._seen: set[int] = set()
        self._gone: set[int] = set()
        self._gone_days: set[int] = set()
        self._leave_out(master.excluded)
        self._overrides = [event for event in overrides if event.replaces and not self._is_left_out(event.replaces)]
        self._leave_out(event.replaces for event in self._overrides if event.replaces)
        self._onwards = sorted(self._changes(overrides), key=lambda change: change.key)
        self._onwards_keys = [change.key for change in self._onwards]

    def gather(self, budget: Budget) -> None:
        """Add the occurrences of this series: first what is written out, then what its rules make, ascending."""
        master = self._master
        for event in self._overrides:
            _add(self._gathering, event)
        window = self._window()
        lasts = [min(window.last, _until(rule, master.start)) for rule in master.rules]
        for rule in master.excluded_rules:
            last = min(window.last, _until(rule, master.start))
            self._seen.update(walls(rule, master.start.wall, Window(window.first, last), budget))
        # A series whose rules all ended before it began is what clients leave of one that was deleted from its start.
        if not lasts or max(lasts) >= master.start.wall:
            self._take(master.start.wall, None)
        for moment, length in master.dates:
            self._take(self._wall(moment), length)
        for rule, last in zip(master.rules, lasts, strict=True):
            for wall in walls(rule, master.start.wall, Window(window.first, last), budget):
                self._take(wall, None)

    def _leave_out(self, moments: Iterable[Moment]) -> None:
        """Note instances that are not to be; a date names all instances of that day."""
        for moment in moments:
            if moment.is_date and not self._by_day:
                self._gone_days.add(moment.wall // DAY)
            else:
                self._gone.add(self._key(moment))

    def _key(self, moment: Moment) -> int:
        return day_meant(moment, self._home) if self._by_day else moment.instant

    def _is_left_out(self, moment: Moment) -> bool:
        if self._gone and self._key(moment) in self._gone:
            return True
        return bool(self._gone_days) and self._zone.wall(moment.instant) // DAY in self._gone_days

    def _changes(self, overrides: list[Event]) -> Iterator[_Onwards]:
        """Yield what holds for later instances, even where the instance that brought it is itself left out."""
        for event in overrides:
            if event.onwards and event.replaces:
                by = event.start.wall - event.start.zone.wall(event.replaces.instant)
                yield _Onwards(self._key(event.replaces), event, by)

    def _window(self) -> Window:
        """Every wall time from which an occurrence can reach the horizon; a day more at each end for the zones."""
        events = [self._master, *(change.event for change in self._onwards)]
        shifts = [change.by for change in self._onwards]
        longest = max(event.length.seconds for event in events)
        travel = max(event.facts.travel_seconds for event in events)
        horizon = self._gathering.horizon
        first = self._zone.wall(horizon.start) - longest - max(0, *shifts, 0) - DAY
        last = self._zone.wall(horizon.end) + travel - min(0, *shifts, 0) + DAY
        return Window(max(first, FIRST), min(last, LAST))

    def _wall(self, moment: Moment) -> int:
        """Where an RDATE lies on the wall of this series; a date alone is at the series' time of day."""
        if self._by_day:
            return day_meant(moment, self._home)
        if moment.is_date:
            return moment.wall + self._master.start.wall % DAY
        return moment.wall if moment.zone == self._zone else self._zone.wall(moment.instant)

    def _take(self, wall: int, length: Length | None) -> None:
        if wall in self._seen:
            return
        self._seen.add(wall)
        instant = self._zone.instant(wall)
        key = wall if self._by_day else instant
        if instant >= self._ends or key in self._gone or wall // DAY in self._gone_days:
            return
        event, zone = self._master, self._zone
        if self._onwards and (at := bisect_right(self._onwards_keys, key)):
            change = self._onwards[at - 1]
            event, zone = change.event, change.event.start.zone
            wall = (wall if zone == self._zone else zone.wall(instant)) + change.by
            instant = zone.instant(wall)
        self._gathering.add(event.facts, instant, _end(zone, wall, length or event.length, instant))


def _until(rule: Rule, start: Moment) -> int:
    """Tell the last wall time that a rule may name."""
    return LAST if rule.until is None else until_meant(_until_moment(rule.until, start), start)


def _until_moment(until: Written, start: Moment) -> Moment:
    zone = UTC_ZONE if until.is_utc else start.zone
    return Moment(until.wall, zone, is_date=until.is_date, floating=start.floating)
