"""Series that somebody might have in a calendar, and some that nobody would: one for each number."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from dateutil.rrule import rrulestr

from generated_lines import Lines
from generated_rules import (
    DEFINITION,
    OWN_ZONE,
    ZONES,
    endless_rule,
    fold_of,
    several_a_day,
    zone_of,
)

HOMES: Final = ("Europe/Paris", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kathmandu", "Africa/Cairo", "UTC")
SECOND: Final = timedelta(seconds=1)


@dataclass
class Stretch:
    """A rule in force from the instance at `place` on: the lines of its event, what it leaves out and what it moves."""

    start: datetime
    place: datetime
    lines: list[str]
    gone: list[str] = field(default_factory=list)
    overrides: list[list[str]] = field(default_factory=list)


class GeneratedSeries:
    """`text` is the object, `home` the zone of the connection. `plainly` says the same in words that all agree on."""

    def __init__(self, name: str) -> None:
        chance = self._chance = random.Random(name)  # noqa: S311  the same each time
        self.home = chance.choice(HOMES)
        weights = {"date": 6, "floating": 3, "utc": 3, **ZONES}
        self._kind = chance.choices([*weights], [*weights.values()])[0]
        self._lines = Lines(chance, self.home, self._kind)
        days_ago = 0 if self._kind == OWN_ZONE else chance.choice([0, 0, 100, 500, 5000, 15_000])
        minutes = 0 if self._kind == "date" else chance.choice(range(0, 1440, 15))
        day = datetime(2027, 1, 1) - timedelta(days=days_ago + chance.randint(0, 400))  # noqa: DTZ001  wall time
        self._start = day + timedelta(minutes=minutes)
        # Of a zone that the object defines, the oracle's own reading knows no fold.
        fold = fold_of(self._kind) if self._kind in ZONES and self._kind != OWN_ZONE else None
        self._fold = fold if chance.random() < 0.06 else None
        if self._fold:
            self._start = self._in_the_fold(*self._fold)
        self.text, self.plainly = self._object()

    def _in_the_fold(self, change: datetime, by: timedelta) -> datetime:
        """Some days before the clocks go back, at a time that comes twice then."""
        first = (change - by * self._chance.random()).astimezone(zone_of(self._kind)).replace(tzinfo=None, second=0)
        return first.replace(microsecond=0) - timedelta(days=self._chance.choice([1, 7, 28, 84]))

    def _rule(self) -> str:
        chance = self._chance
        rule = endless_rule(chance, all_day=self._kind == "date")
        ending = chance.random()
        if self._fold or 0.25 <= ending < 0.5:
            return self._until(rule)
        return f"{rule};COUNT={chance.choice([1, 2, 5, 10, 50, 400])}" if ending < 0.25 else rule

    def _until(self, rule: str) -> str:
        local = self._start + timedelta(days=self._chance.choice([0, 7, 30, 365, 5200]))
        if self._fold:
            change, by = self._fold
            return f"{rule};UNTIL={change + by * self._chance.random():%Y%m%dT%H%M%SZ}"
        shape = self._chance.random()
        if self._kind == "date":
            return f"{rule};UNTIL={local:%Y%m%d}"
        if shape < 0.3:
            # The oracle takes it for the first moment of that day, in UTC.
            until, local = f"{local:%Y%m%d}", local.replace(hour=23, minute=59, second=59)
        elif shape < 0.4 or self._kind == "floating":
            # The oracle takes it for a time in UTC.
            until = f"{local:%Y%m%dT%H%M%S}"
        else:
            until = self._last(local)
        self._lines.said_plainly[f"RRULE:{rule};UNTIL={until}"] = f"RRULE:{rule};UNTIL={self._last(local)}"
        return f"{rule};UNTIL={until}"

    def _last_before(self, local: datetime) -> str:
        if self._kind == "date":
            return f"{local - timedelta(days=1):%Y%m%d}"
        if self._kind == "floating":
            return f"{local - SECOND:%Y%m%dT%H%M%S}"
        return f"{self._lines.moved_to('utc', local) - SECOND:%Y%m%dT%H%M%SZ}"

    def _last(self, local: datetime) -> str:
        """UNTIL as it ought to be written."""
        if self._kind in {"date", "floating"}:
            return f"{local:%Y%m%d}" if self._kind == "date" else f"{local:%Y%m%dT%H%M%S}"
        return f"{self._lines.moved_to('utc', local):%Y%m%dT%H%M%SZ}"

    def _instances(self, rule: str, start: datetime) -> list[datetime]:
        """Some of the series' own instances near the horizon, to be moved or deleted."""
        plain = rrulestr(";".join(part for part in rule.split(";") if not part.startswith("UNTIL")), dtstart=start)
        near = max(start, datetime(2026, 1, 1) + timedelta(days=self._chance.randint(0, 300)))  # noqa: DTZ001  wall time
        found = [moment for _, moment in zip(range(12), plain.xafter(near, inc=True), strict=False)]
        return [moment for moment in found if self._is_itself(moment, found)] if several_a_day(rule) else found

    def _is_itself(self, moment: datetime, found: list[datetime]) -> bool:
        """The oracle takes an instance at 7:00 UTC for one at 7:00 on the wall: not where both are."""
        if self._kind in {"date", "floating", "utc"}:
            return True
        extra = [(moment + timedelta(days=day)).replace(hour=0, minute=0) + self._clock for day in (-1, 0, 1)]
        others = {other for other in (*found, *extra) if other != moment}
        walls = others | {self._lines.moved_to("utc", other).replace(tzinfo=None) for other in others}
        return not walls & {moment, self._lines.moved_to("utc", moment).replace(tzinfo=None)}

    @property
    def _clock(self) -> timedelta:
        return timedelta(hours=self._start.hour, minutes=self._start.minute)

    def _overrides(
        self, instances: list[datetime], start: datetime, rule: str, *, onwards: bool
    ) -> Iterator[list[str]]:
        chance, lines = self._chance, self._lines
        for moment in chance.sample(instances, min(len(instances), chance.choice([0, 0, 1, 3, 12]))):
            future = onwards and chance.random() < 0.2
            step = 1440 if self._kind == "date" else 15
            moved = moment + timedelta(
                minutes=step * chance.choice([0, 1, -1, 5, 200, *([-40_000, 40_000] * (step == 15))])
            )
            named = lines.naming("RECURRENCE-ID", moment, start, onwards=future, several=several_a_day(rule))
            again = [f"RRULE:{rule}"] if future and chance.random() < 0.5 else []
            yield [named, lines.time("DTSTART", moved), *filter(None, [lines.end(moved)]), *again, *lines.facts()]

    def _further(self, *, periods: bool) -> str:
        chance = self._chance
        days = chance.sample(range(1, 500), chance.randint(1, 5))
        moments = [self._start + timedelta(days=day) for day in days]
        if self._kind == "date" or not periods or chance.random() < 0.5:
            return self._lines.time("RDATE", *moments)
        line, _, values = self._lines.time("RDATE;VALUE=PERIOD", *moments).rpartition(":")
        z = "Z" if self._kind == "utc" else ""
        ends = [f"{moment + timedelta(minutes=chance.choice([10, 200])):%Y%m%dT%H%M%S}{z}" for moment in moments]
        lasts = [chance.choice([end, *self._lines.durations(200)]) for end in ends]
        return f"{line}:" + ",".join(f"{value}/{last}" for value, last in zip(values.split(","), lasts, strict=True))

    def _begun(self, start: datetime, place: datetime | None = None) -> Stretch:
        lines = self._lines
        own = [lines.time("DTSTART", start), *filter(None, [lines.end(start)]), *lines.facts()]
        return Stretch(start, place or start, own)

    def _object(self) -> tuple[str, str]:
        chance = self._chance
        if chance.random() < 0.12 and not self._fold:
            return self._changing()
        series, several = self._begun(self._start), False
        if chance.random() < 0.9 or self._fold:
            rule = self._rule()
            series.lines.append(f"RRULE:{rule}")
            several = several_a_day(rule)
            self._exceptions(series, self._instances(rule, series.start), rule)
        if chance.random() < 0.2:
            series.lines.append(self._further(periods=not several))
        events = [[*series.lines, *series.gone], *series.overrides]
        return self._written({"series": events}), self._written({"series": self._plain(events)})

    def _exceptions(self, stretch: Stretch, instances: list[datetime], rule: str, *, onwards: bool = True) -> None:
        several = several_a_day(rule)
        gone = self._chance.sample(instances, min(len(instances), self._chance.choice([0, 0, 1, 4])))
        stretch.gone += [self._lines.naming("EXDATE", moment, stretch.start, several=several) for moment in gone]
        stretch.overrides += self._overrides(instances, stretch.start, rule, onwards=onwards)

    def _changing(self) -> tuple[str, str]:
        """A series whose rule changes from some instance on, perhaps back to the first; plainly, one for each rule.

        The oracle goes by the master's rule alone.
        """
        chance, stretches = self._chance, [self._begun(self._start)]
        rules = [endless_rule(chance, all_day=self._kind == "date")]
        for _ in range(chance.choice([1, 2, 2, 3])):
            now = stretches[-1]
            found = [moment for moment in self._instances(rules[-1], now.start) if moment > now.start]
            if len(found) < 3:
                break
            place = chance.choice(found[1:])
            if not several_a_day(rules[-1]):
                self._exceptions(now, [moment for moment in found if moment < place], rules[-1], onwards=False)
            later = chance.choice([0, 0, 15, 90]) * (96 if self._kind == "date" else 1)
            stretches.append(self._begun(place + timedelta(minutes=later), place))
            back = rules[-1] != rules[0] and chance.random() < 0.6
            rules.append(rules[0] if back else endless_rule(chance, all_day=self._kind == "date", not_as=rules[-1]))
        dates = [self._start + timedelta(days=day) for day in chance.sample(range(1, 900), chance.choice([0, 0, 3]))]
        return self._in_one(stretches, rules, dates), self._one_by_one(stretches, rules, dates)

    def _in_one(self, stretches: list[Stretch], rules: list[str], dates: list[datetime]) -> str:
        events = [[*one.lines, f"RRULE:{rule}"] for one, rule in zip(stretches, rules, strict=True)]
        for one, event in zip(stretches[1:], events[1:], strict=True):
            event.append(self._lines.time("RECURRENCE-ID", one.place, parameters=";RANGE=THISANDFUTURE"))
        events[0] += [line for one in stretches for line in one.gone]
        events[0] += [self._lines.time("RDATE", *dates)] if dates else []
        events += [override for one in stretches for override in one.overrides]
        return self._written({"series": events})

    def _one_by_one(self, stretches: list[Stretch], rules: list[str], dates: list[datetime]) -> str:
        series = {}
        for number, (one, rule) in enumerate(zip(stretches, rules, strict=True)):
            ends = stretches[number + 1].place if number + 1 < len(stretches) else None
            until = f";UNTIL={self._last_before(ends)}" if ends else ""
            extra = [date for date in dates if (not number or date >= one.place) and (ends is None or date < ends)]
            master = [*one.lines, f"RRULE:{rule}{until}", *one.gone]
            master += [self._lines.time("RDATE", *extra)] if extra else []
            series[f"series {number}"] = self._plain([master, *one.overrides])
        return self._written(series)

    def _plain(self, events: list[list[str]]) -> list[list[str]]:
        return [[self._lines.said_plainly.get(line, line) for line in event] for event in events]

    def _written(self, series: dict[str, list[list[str]]]) -> str:
        together = [[f"UID:{uid}", *event] for uid, events in series.items() for event in events]
        random.Random(self._start.isoformat()).shuffle(together)  # noqa: S311  the same for both texts
        body = "".join("\r\n".join(["BEGIN:VEVENT", *event, "END:VEVENT", ""]) for event in together)
        definition = DEFINITION if self._kind == OWN_ZONE else ""
        return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{definition}{body}END:VCALENDAR\r\n"
