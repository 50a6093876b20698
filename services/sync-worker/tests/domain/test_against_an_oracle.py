"""Generated series, read by us and by recurring-ical-events: the same time must be taken.

`CALSYNC_TEST_SERIES` sets how many; `CALSYNC_TEST_SEED` where to begin. A series that fails is printed whole: it
belongs into ics/ as a file of its own.
"""

import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from dateutil.rrule import rrulestr

from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Span

SERIES = int(os.environ.get("CALSYNC_TEST_SERIES", "400"))
SEED = int(os.environ.get("CALSYNC_TEST_SEED", "0"))
BLOCKS = 8
HOME = ZoneInfo("Europe/Paris")
FIRST, LAST = datetime(2026, 1, 10, tzinfo=UTC), datetime(2027, 2, 14, tzinfo=UTC)
HORIZON = Span(int(FIRST.timestamp()), int(LAST.timestamp()))
ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
]
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


class Writing:
    """Writes one generated object; `kind` is date, floating, utc, or the name of a zone."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kind = chance.choice(["date", "date", "floating", "utc", *ZONES, *ZONES[:2]])
        days_ago = chance.choice([0, 100, 500, 5000])
        minutes = 0 if self.kind == "date" else chance.choice(range(0, 1440, 15))
        day = datetime(2027, 1, 1) - timedelta(days=days_ago + chance.randint(0, 400))  # noqa: DTZ001  wall time
        self.start = day + timedelta(minutes=minutes)

    def time(self, name: str, *moments: datetime, parameters: str = "") -> str:
        if self.kind == "date":
            return f"{name}{parameters};VALUE=DATE:" + ",".join(f"{moment:%Y%m%d}" for moment in moments)
        zone = "" if self.kind in {"floating", "utc"} else f";TZID={self.kind}"
        z = "Z" if self.kind == "utc" else ""
        return f"{name}{parameters}{zone}:" + ",".join(f"{moment:%Y%m%dT%H%M%S}{z}" for moment in moments)

    def end(self, start: datetime) -> str | None:
        shape = self.chance.random()
        if self.kind == "date":
            days = self.chance.choice([1, 1, 1, 2, 5, 14])
            if shape < 0.1:
                return None
            return f"DURATION:P{days}D" if shape < 0.2 else self.time("DTEND", start + timedelta(days=days))
        minutes = self.chance.choice([15, 30, 60, 60, 90, 480, 1500, 6000])
        if shape < 0.05:
            return None
        if shape < 0.15:
            return f"DURATION:PT{minutes}M"
        return self.time("DTEND", start + timedelta(minutes=minutes))

    def rule(self) -> str:
        chance = self.chance
        frequency = chance.choices(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"], [2, 4, 6, 3, 1])[0]
        if self.kind == "date" and frequency == "HOURLY":
            frequency = "DAILY"
        parts = [f"FREQ={frequency}"]
        if frequency == "HOURLY":
            parts.append(f"INTERVAL={chance.choice([5, 7, 12, 36])}")
        elif chance.random() < 0.4:
            parts.append(f"INTERVAL={chance.choice([2, 3, 4, 6])}")
        if frequency == "WEEKLY" and chance.random() < 0.7:
            parts.append("BYDAY=" + ",".join(chance.sample(WEEKDAYS, chance.randint(1, 4))))
            parts.append(f"WKST={chance.choice(['MO', 'SU'])}")
        elif frequency == "MONTHLY" and chance.random() < 0.7:
            parts.append(
                chance.choice(
                    [
                        f"BYDAY={chance.choice([1, 2, 3, 4, -1])}{chance.choice(WEEKDAYS)}",
                        f"BYMONTHDAY={chance.choice([1, 15, 29, 31, -1])}",
                        f"BYDAY=MO,TU,WE,TH,FR;BYSETPOS={chance.choice([1, -1])}",
                    ]
                )
            )
        elif frequency == "YEARLY" and chance.random() < 0.5:
            parts.append(f"BYMONTH={chance.randint(1, 12)};BYDAY={chance.choice([1, 2, -1])}{chance.choice(WEEKDAYS)}")
        ending = chance.random()
        if ending < 0.25:
            parts.append(f"COUNT={chance.choice([1, 2, 5, 10, 50, 400])}")
        elif ending < 0.5:
            parts.append("UNTIL=" + self.until())
        return ";".join(parts)

    def until(self) -> str:
        local = self.start + timedelta(days=self.chance.choice([0, 7, 30, 365, 5200]))
        if self.kind == "date":
            return f"{local:%Y%m%d}"
        if self.kind == "floating":
            return f"{local:%Y%m%dT%H%M%S}"
        zone = UTC if self.kind == "utc" else ZoneInfo(self.kind)
        return f"{local.replace(tzinfo=zone).astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def instances(self, rule: str) -> list[datetime]:
        """Some of the series' own instances near the horizon, to be moved or deleted."""
        plain = rrulestr(";".join(part for part in rule.split(";") if not part.startswith("UNTIL")), dtstart=self.start)
        near = max(self.start, datetime(2026, 1, 1) + timedelta(days=self.chance.randint(0, 300)))  # noqa: DTZ001  wall time
        return [moment for _, moment in zip(range(12), plain.xafter(near, inc=True), strict=False)]

    def overrides(self, instances: list[datetime]) -> Iterator[list[str]]:
        chance = self.chance
        for moment in chance.sample(instances, min(len(instances), chance.choice([0, 0, 1, 3]))):
            onwards = ";RANGE=THISANDFUTURE" if chance.random() < 0.2 else ""
            step = 1440 if self.kind == "date" else 15
            moved = moment + timedelta(minutes=step * chance.choice([0, 1, -1, 5, 200]))
            lines = [self.time("RECURRENCE-ID", moment, parameters=onwards), self.time("DTSTART", moved)]
            yield [*lines, *filter(None, [self.end(moved)])]

    def object(self) -> str:
        chance = self.chance
        master = [self.time("DTSTART", self.start), *filter(None, [self.end(self.start)])]
        events = [master]
        if chance.random() < 0.9:
            rule = self.rule()
            master.append(f"RRULE:{rule}")
            # It takes an instance at 7:00 UTC for one at 7:00 on the wall; only several a day can be mixed up so.
            instances = [] if "HOURLY" in rule else self.instances(rule)
            gone = chance.sample(instances, min(len(instances), chance.choice([0, 0, 1, 4])))
            master.extend(self.time("EXDATE", moment) for moment in gone)
            events += self.overrides(instances)
        if chance.random() < 0.2:
            extra = [self.start + timedelta(days=chance.randint(1, 500)) for _ in range(chance.randint(1, 5))]
            master.append(self.time("RDATE", *extra))
        body = "".join("\r\n".join(["BEGIN:VEVENT", "UID:series", *event, "END:VEVENT", ""]) for event in events)
        return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n"


def instant(moment: date) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=HOME)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=HOME)).timestamp())


def by_oracle(text: str) -> list[tuple[int, int]]:
    calendar = icalendar.Calendar.from_ical(text)
    found = recurring_ical_events.of(calendar).between(FIRST - timedelta(days=3), LAST + timedelta(days=3))
    spans = set()
    for event in found:
        start, end = event["DTSTART"].dt, event["DTEND"].dt
        first, last = instant(start), instant(end)
        # It lets an event end before its start where the clock jumps over the start; wall times differ as they should.
        spans.add((first, last if last > first else first + int((end - start).total_seconds())))
    return sorted(span for span in spans if HORIZON.touches(*span))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_generated_series_take_the_time_that_the_oracle_says(block: int) -> None:
    for number in range(block, SERIES, BLOCKS):
        text = Writing(random.Random(f"series {SEED + number}")).object()  # noqa: S311  the same each time

        read = read_object(text, horizon=HORIZON, zone=HOME, addresses=frozenset())

        ours = sorted({span for group in read.groups for span in group.spans})
        assert ours == by_oracle(text), f"series {SEED + number}\n{text}"
