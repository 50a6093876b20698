"""All events of one UID put together: what recurs, what is left out, what is moved, and what each occurrence is."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sync_worker.domain.budget import Budget, Refused
from sync_worker.domain.civil import DAY
from sync_worker.domain.events import Event
from sync_worker.domain.gathering import Gathering
from sync_worker.domain.lengths import Length
from sync_worker.domain.names import extra, last_wall
from sync_worker.domain.parts import Override, Part, newest, newest_of_each, parts, place
from sync_worker.domain.quirks import day_meant
from sync_worker.domain.recurrence import Window, walls
from sync_worker.domain.zones import FIRST, LAST, Moment, Zone

# An override is looked at so often for each of its masters, and an RDATE costs so many candidates of a rule.
_VISITS = 4
_STEPS_OF_A_DATE = 8


def gather(events: list[Event], home: Zone, gathering: Gathering, budget: Budget) -> None:
    """Add the occurrences of events that share a UID. Raise `Refused` when there are too many; the nearest are in."""
    masters = newest([event for event in events if event.replaces is None])
    overrides = [Override(event, event.replaces) for event in events if event.replaces is not None]
    if not masters:
        # Invited to single instances only. One that brings its own rule for all later ones is a series after all.
        first = min((one for one in overrides if one.event.onwards and one.event.rules), key=place, default=None)
        if first is None:
            for one in newest_of_each(overrides):
                gathering.add(one.event.facts, *span_of(one.event))
            return
        masters, overrides = [first.event], [one for one in overrides if one is not first]
    for master in masters:
        budget.spend(_VISITS * len(overrides))
        for part in parts(master, overrides, home, budget):
            Series(part, home, gathering).gather(budget)


def span_of(event: Event) -> tuple[int, int]:
    """Tell when the one occurrence that a VEVENT names itself begins and ends."""
    return event.length.span(event.start.zone, event.start.wall, event.start.instant)


@dataclass(frozen=True, slots=True)
class _Onwards:
    """From the instance `key` on, instances are like `event`, and `by` seconds later on the wall of its zone."""

    key: int
    event: Event
    by: int


class Series:
    """One part of a series: its instances, what replaces them, and what is left out.

    An instance is known by its key: its wall time if the series is all-day, else its instant.
    """

    def __init__(self, part: Part, home: Zone, gathering: Gathering) -> None:
        master = self._master = part.master
        self._home = home
        self._gathering = gathering
        self._ends = part.ends
        self._zone = master.start.zone
        self._by_day = master.start.is_date
        self._seen: set[int] = set()
        self._gone: set[int] = set()
        self._gone_days: set[int] = set()
        self._leave_out(master.excluded)
        overrides = [one for one in part.overrides if not self._is_left_out(one.instance)]
        self._overrides = [one.event for one in overrides]
        self._leave_out(one.instance for one in overrides)
        self._onwards = sorted(self._changes(part.overrides), key=lambda change: change.key)
        self._onwards_keys = [change.key for change in self._onwards]

    def gather(self, budget: Budget) -> None:
        """Add the occurrences of this series: first what is written out, then what its rules make, ascending."""
        master = self._master
        for event in self._overrides:
            self._gathering.add(event.facts, *span_of(event))
        window = self._window()
        refused = self._leave_out_by_rule(window, budget.half()) if master.excluded_rules else None
        for moment, length in master.dates:
            budget.spend(_STEPS_OF_A_DATE)
            self._take_date(moment, length)
        lasts = [min(window.last, last_wall(rule, master.start)) for rule in master.rules]
        # A series whose rules all ended before it began is what clients leave of one that was deleted from its start.
        if not lasts or max(lasts) >= master.start.wall:
            self._take(master.start.wall, master.start.instant)
        for rule, last in zip(master.rules, lasts, strict=True):
            for wall in walls(rule, master.start.wall, Window(window.first, last), budget):
                self._take(wall, self._zone.instant(wall))
        if refused:
            raise refused

    def _leave_out(self, moments: Iterable[Moment]) -> None:
        """Note instances that are not to be; a date names all instances of that day."""
        for moment in moments:
            if moment.is_date and not self._by_day:
                self._gone_days.add(moment.wall // DAY)
            else:
                self._gone.add(self._key(moment))

    def _leave_out_by_rule(self, window: Window, budget: Budget) -> Refused | None:
        """Note instances that rules exclude; what could not be worked out stays in, and why is told."""
        start = self._master.start
        try:
            for rule in self._master.excluded_rules:
                last = min(window.last, last_wall(rule, start))
                for wall in walls(rule, start.wall, Window(window.first, last), budget):
                    self._seen.add(self._key_at(wall, self._zone.instant(wall)))
        except Refused as refused:
            return refused
        return None

    def _key(self, moment: Moment) -> int:
        return day_meant(moment, self._home) if self._by_day else moment.instant

    def _key_at(self, wall: int, instant: int) -> int:
        return wall - wall % DAY if self._by_day else instant

    def _is_left_out(self, instance: Moment) -> bool:
        if self._gone and self._key(instance) in self._gone:
            return True
        return bool(self._gone_days) and self._zone.wall(instance.instant) // DAY in self._gone_days

    def _changes(self, overrides: list[Override]) -> Iterator[_Onwards]:
        """Yield what holds for later instances, even where the instance that brought it is itself left out."""
        for one in overrides:
            if one.event.onwards:
                named, start = one.instance, one.event.start
                wall = named.wall if named.zone == start.zone else start.zone.wall(named.instant)
                yield _Onwards(self._key(named), one.event, start.wall - wall)

    def _window(self) -> Window:
        """Every wall time from which an occurrence can reach the horizon; a day more at each end for the zones."""
        events = [self._master, *(change.event for change in self._onwards)]
        shifts = [change.by for change in self._onwards]
        longest = max(event.length.seconds for event in events)
        ahead = max(event.length.back + event.facts.travel_seconds for event in events)
        horizon = self._gathering.horizon
        first = self._zone.wall(horizon.start) - longest - max(0, *shifts, 0) - DAY
        last = self._zone.wall(horizon.end) + ahead - min(0, *shifts, 0) + DAY
        return Window(max(first, FIRST), min(last, LAST))

    def _take_date(self, date: Moment, length: Length | None) -> None:
        """Take an RDATE; how long a period is, its own clock says."""
        moment = extra(date, self._master.start, self._home)
        if moment.zone == self._zone:
            self._take(moment.wall, moment.instant, length)
        else:
            instant = moment.instant
            self._take(self._zone.wall(instant), instant, length and length.from_instant(moment))

    def _take(self, wall: int, instant: int, length: Length | None = None) -> None:
        """Take an instance, unless it is left out, or was taken before."""
        key = self._key_at(wall, instant) if self._by_day else instant
        if key in self._seen:
            return
        self._seen.add(key)
        if instant >= self._ends or key in self._gone or wall // DAY in self._gone_days:
            return
        event, zone = self._master, self._zone
        if self._onwards and (at := bisect_right(self._onwards_keys, key)):
            change = self._onwards[at - 1]
            event, zone = change.event, change.event.start.zone
            wall = (wall if zone == self._zone else zone.wall(instant)) + change.by
            instant = zone.instant(wall)
        self._gathering.add(event.facts, *(length or event.length).span(zone, wall, instant))
