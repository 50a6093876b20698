"""Series that somebody might have in a calendar, and some that nobody would: one for each number."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

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
HOMES: Final = ("Europe/Paris", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kathmandu", "Africa/Cairo", "UTC")
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


def zone_of(name: str) -> ZoneInfo:
    return INFOS.get(name) or ZoneInfo(name)


def some(chance: random.Random, values: Sequence[int | str], most: int) -> str:
    return ",".join(map(str, chance.sample(values, chance.randint(1, most))))


class GeneratedSeries:
    """`text` is the object, `home` the zone of the connection."""

    def __init__(self, name: str) -> None:
        chance = self._chance = random.Random(name)  # noqa: S311  the same each time
        self.home = chance.choice(HOMES)
        weights = {"date": 6, "floating": 3, "utc": 3, **ZONES}
        self._kind = chance.choices([*weights], [*weights.values()])[0]
        days_ago = 0 if self._kind == OWN_ZONE else chance.choice([0, 0, 100, 500, 5000, 15_000])
        minutes = 0 if self._kind == "date" else chance.choice(range(0, 1440, 15))
        day = datetime(2027, 1, 1) - timedelta(days=days_ago + chance.randint(0, 400))  # noqa: DTZ001  wall time
        self._start = day + timedelta(minutes=minutes)
        self.text = self._object()

    def _time(self, name: str, *moments: datetime, parameters: str = "", kind: str = "") -> str:
        kind = kind or self._kind
        if kind == "date":
            return f"{name}{parameters};VALUE=DATE:" + ",".join(f"{moment:%Y%m%d}" for moment in moments)
        zone = "" if kind in {"floating", "utc"} else f";TZID={kind}"
        z = "Z" if kind == "utc" else ""
        return f"{name}{parameters}{zone}:" + ",".join(f"{moment:%Y%m%dT%H%M%S}{z}" for moment in moments)

    def _in(self, kind: str, moment: datetime) -> datetime:
        """The same instant on another wall."""
        mine = UTC if self._kind == "utc" else zone_of(self._kind)
        return moment.replace(tzinfo=mine).astimezone(UTC if kind == "utc" else zone_of(kind))

    def _end(self, start: datetime) -> str | None:
        chance, shape = self._chance, self._chance.random()
        if self._kind == "date":
            days = chance.choice([1, 1, 1, 2, 5, 14])
            if shape < 0.1:
                return None
            return f"DURATION:P{days}D" if shape < 0.2 else self._time("DTEND", start + timedelta(days=days))
        minutes = chance.choice([15, 30, 60, 60, 90, 480, 1500, 6000])
        if shape < 0.05:
            return None
        if shape < 0.15:
            return chance.choice([f"DURATION:PT{minutes}M", "DURATION:P1D", "DURATION:P1W", "DURATION:P1DT2H"])
        return self._time("DTEND", start + timedelta(minutes=minutes))

    def _rule(self) -> str:
        chance = self._chance
        weights = {"YEARLY": 3, "MONTHLY": 5, "WEEKLY": 6, "DAILY": 3, "HOURLY": 1, "MINUTELY": 0.5}
        if self._kind == "date":
            weights |= {"HOURLY": 0, "MINUTELY": 0}
        frequency = chance.choices([*weights], [*weights.values()])[0]
        parts = [f"FREQ={frequency}"]
        if frequency in {"HOURLY", "MINUTELY"}:
            parts.append(f"INTERVAL={chance.choice([5, 7, 12, 36]) * (1 if frequency == 'HOURLY' else 61)}")
        elif chance.random() < 0.4:
            parts.append(f"INTERVAL={chance.choice([2, 3, 4, 6])}")
        parts += self._days(frequency)
        if frequency == "DAILY" and self._kind != "date" and chance.random() < 0.2:
            parts.append("BYHOUR=" + some(chance, range(24), 3))
        ending = chance.random()
        if ending < 0.25:
            parts.append(f"COUNT={chance.choice([1, 2, 5, 10, 50, 400])}")
        elif ending < 0.5:
            parts.append("UNTIL=" + self._until())
        return ";".join(parts)

    def _days(self, frequency: str) -> list[str]:
        chance = self._chance
        by_day = f"BYDAY={some(chance, WEEKDAYS, 4)}"
        nth = f"BYDAY={chance.choice([1, 2, 3, 4, 5, -1, -2])}{chance.choice(WEEKDAYS)}"
        position = f"BYSETPOS={chance.choice(['1', '2', '-1', '1,-1'])}"
        month = f"BYMONTH={some(chance, range(1, 13), 3)}"
        choices = {
            "WEEKLY": [[], [], [by_day], [by_day], [by_day, month]],
            "MONTHLY": [[], [], [nth], [nth, month], [by_day, position], [by_day, "BYMONTHDAY=13"],
                        [f"BYMONTHDAY={some(chance, (1, 15, 28, 29, 30, 31, -1, -2, -31), 3)}"]],
            "YEARLY": [[], [], [month, nth], [nth], [month, "BYMONTHDAY=29,30,31,-1"], [month, by_day, position],
                       [f"BYWEEKNO={some(chance, range(2, 52), 3)}", by_day],
                       [f"BYYEARDAY={some(chance, (1, 59, 60, 200, 365, 366, -1, -366, -306), 3)}"]],
            "DAILY": [[], [], [by_day], [month], ["BYMONTHDAY=1,2,-1"]],
        }  # fmt: skip
        week_start = [f"WKST={chance.choice(['MO', 'SU', 'WE'])}"] if chance.random() < 0.3 else []
        return chance.choice(choices.get(frequency, [[]])) + week_start

    def _until(self) -> str:
        local = self._start + timedelta(days=self._chance.choice([0, 7, 30, 365, 5200]))
        if self._kind in {"date", "floating"}:
            return f"{local:%Y%m%d}" if self._kind == "date" else f"{local:%Y%m%dT%H%M%S}"
        return f"{self._in('utc', local):%Y%m%dT%H%M%SZ}"

    def _instances(self, rule: str) -> list[datetime]:
        """Some of the series' own instances near the horizon, to be moved or deleted."""
        plain = rrulestr(
            ";".join(part for part in rule.split(";") if not part.startswith("UNTIL")), dtstart=self._start
        )
        near = max(self._start, datetime(2026, 1, 1) + timedelta(days=self._chance.randint(0, 300)))  # noqa: DTZ001  wall time
        return [moment for _, moment in zip(range(12), plain.xafter(near, inc=True), strict=False)]

    def _facts(self) -> list[str]:
        chance = self._chance
        lines = [f"TRANSP:{chance.choice(['OPAQUE', 'TRANSPARENT'])}"] if chance.random() < 0.3 else []
        if chance.random() < 0.15:
            lines.append(f"STATUS:{chance.choice(['CANCELLED', 'TENTATIVE', 'CONFIRMED'])}")
        if chance.random() < 0.15:
            lines.append(f"X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT{chance.choice([15, 90])}M")
        if chance.random() < 0.2:
            answers = chance.choices(["ACCEPTED", "DECLINED"], k=3)
            users = ("mailto:Me@example.org", "urn:uuid:MINE", "mailto:you@example.org")
            lines += [f"ATTENDEE;PARTSTAT={answer}:{user}" for answer, user in zip(answers, users, strict=True)]
        return lines

    def _overrides(self, instances: list[datetime]) -> Iterator[list[str]]:
        chance = self._chance
        for moment in chance.sample(instances, min(len(instances), chance.choice([0, 0, 1, 3, 12]))):
            onwards = ";RANGE=THISANDFUTURE" if chance.random() < 0.2 else ""
            step = 1440 if self._kind == "date" else 15
            moved = moment + timedelta(
                minutes=step * chance.choice([0, 1, -1, 5, 200, *([-40_000, 40_000] * (step == 15))])
            )
            kind = chance.choice(["", "", "utc", "Asia/Tokyo"]) if self._kind in ZONES and not onwards else ""
            named = self._time(
                "RECURRENCE-ID", self._in(kind, moment) if kind else moment, parameters=onwards, kind=kind
            )
            yield [named, self._time("DTSTART", moved), *filter(None, [self._end(moved)]), *self._facts()]

    def _further(self, *, periods: bool) -> str:
        days = self._chance.sample(range(1, 500), self._chance.randint(1, 5))
        moments = [self._start + timedelta(days=day) for day in days]
        if self._kind == "date" or not periods or self._chance.random() < 0.5:
            return self._time("RDATE", *moments)
        line, _, values = self._time("RDATE;VALUE=PERIOD", *moments).rpartition(":")
        return f"{line}:" + ",".join(f"{value}/PT{self._chance.choice([10, 200])}M" for value in values.split(","))

    def _object(self) -> str:
        chance = self._chance
        master = [self._time("DTSTART", self._start), *filter(None, [self._end(self._start)]), *self._facts()]
        events, several = [master], False
        if chance.random() < 0.9:
            rule = self._rule()
            master.append(f"RRULE:{rule}")
            # The oracle takes an instance at 7:00 UTC for one at 7:00 on the wall; several a day are mixed up so.
            several = any(word in rule for word in ("HOURLY", "MINUTELY", "BYHOUR"))
            instances = [] if several else self._instances(rule)
            gone = chance.sample(instances, min(len(instances), chance.choice([0, 0, 1, 4])))
            master.extend(self._time("EXDATE", moment) for moment in gone)
            events += self._overrides(instances)
        if chance.random() < 0.2:
            master.append(self._further(periods=not several))
        chance.shuffle(events)
        body = "".join("\r\n".join(["BEGIN:VEVENT", "UID:series", *event, "END:VEVENT", ""]) for event in events)
        definition = DEFINITION if self._kind == OWN_ZONE else ""
        return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{definition}{body}END:VCALENDAR\r\n"
