"""How many calendar objects are parsed and expanded a second, on one core, next to recurring-ical-events.

    python benchmarks/occurrences.py [--objects 4000] [--rounds 3]

The mix is what an Apple account of some years holds: mostly single events with a VTIMEZONE, an alarm and Apple's own
properties; one in five recurring, some of them for decades, some with moved and deleted instances. The horizon is
a year.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import Span

HOME = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=365)
HORIZON = Span(int(FIRST.timestamp()), int(LAST.timestamp()))
GOAL = 2000
RATIO_GOAL = 10

VTIMEZONE = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
DTSTART:19810329T020000
TZNAME:GMT+2
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
DTSTART:19961027T030000
TZNAME:GMT+1
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""
EXTRAS = """CREATED:20251101T080000Z
DTSTAMP:20251101T080001Z
LAST-MODIFIED:20251102T090000Z
SEQUENCE:1
DESCRIPTION:Bring the plans\\, the keys and whatever else was agreed upon on
 the phone last week\\; the door code has changed since.
LOCATION:12 rue des Archives\\n75004 Paris\\nFrance
X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="12 rue des Archives\\\\n7500
 4 Paris";X-APPLE-RADIUS=70;X-APPLE-REFERENCEFRAME=1;X-TITLE="Archives":geo:48.8585,2.3561
X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC
X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER:-PT30M
UID:6F1C3E1A-5A0B-4E0C-9F6A-2B8B6F0A0C11
X-WR-ALARMUID:6F1C3E1A-5A0B-4E0C-9F6A-2B8B6F0A0C11
END:VALARM
"""
ATTENDEES = "".join(
    f'ATTENDEE;CN="Person {n}";EMAIL=person{n}@example.org;PARTSTAT=ACCEPTED:mailto:person{n}@example.org\n'
    for n in range(5)
)


def wrapped(zone: str, *events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\nSUMMARY:Something\n{event}{EXTRAS}END:VEVENT\n" for event in events)
    zones = VTIMEZONE.format(name=zone) if zone else ""
    head = "BEGIN:VCALENDAR\nCALSCALE:GREGORIAN\nPRODID:-//Apple Inc.//iOS 18.0//EN\nVERSION:2.0\n"
    text = f"{head}{zones}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def times(zone: str, start: datetime, minutes: int) -> str:
    end = start + timedelta(minutes=minutes)
    return f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\nDTEND;TZID={zone}:{end:%Y%m%dT%H%M%S}\n"


def single(chance: random.Random, number: int) -> str:
    start = datetime(2026, 1, 1) + timedelta(minutes=15 * chance.randint(0, 35_000))  # noqa: DTZ001  wall time
    uid = f"UID:{number}\n"
    shape = chance.random()
    if shape < 0.15:
        day = f"DTSTART;VALUE=DATE:{start:%Y%m%d}\nDTEND;VALUE=DATE:{start + timedelta(days=1):%Y%m%d}\n"
        return wrapped("", f"{uid}{day}TRANSP:TRANSPARENT\n")
    if shape < 0.3:
        return wrapped("Europe/Paris", f"{uid}{times('Europe/Paris', start, 60)}{ATTENDEES}")
    if shape < 0.35:
        zone = "W. Europe Standard Time"
        return wrapped(zone, uid + times(zone, start, 60))
    if shape < 0.37:
        zone = "Customized Time Zone"
        return wrapped(zone, uid + times(zone, start, 60))
    return wrapped("Europe/Paris", uid + times("Europe/Paris", start, chance.choice([30, 60, 90])))


def recurring(chance: random.Random, number: int) -> str:
    years = chance.choice([0, 0, 1, 3, 10, 25])
    start = datetime(2026 - years, 1, 5, chance.randint(8, 18)) + timedelta(days=chance.randint(0, 300))  # noqa: DTZ001  wall time
    rule = chance.choice([
        "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=MONTHLY;BYDAY=1TU", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=YEARLY",
        "FREQ=WEEKLY;COUNT=30", "FREQ=WEEKLY;UNTIL=20260630T215959Z",
    ])  # fmt: skip
    zone = "Europe/Paris"
    master = f"UID:{number}\n{times(zone, start, 60)}RRULE:{rule}\n"
    if not rule.startswith("FREQ=WEEKLY") or chance.random() < 0.6:
        return wrapped(zone, master)
    later = start + timedelta(weeks=4)
    gone = f"EXDATE;TZID={zone}:{start + timedelta(weeks=2):%Y%m%dT%H%M%S}\n"
    moved = (
        f"UID:{number}\nRECURRENCE-ID;TZID={zone}:{later:%Y%m%dT%H%M%S}\n{times(zone, later + timedelta(hours=2), 60)}"
    )
    return wrapped(zone, master + gone, moved)


def ours(text: str) -> int:
    return sum(
        len(group.spans) for group in read_object(text, horizon=HORIZON, zone=HOME, addresses=frozenset()).groups
    )


def theirs(text: str) -> int:
    return len(recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(FIRST, LAST))


def rate(read: Callable[[str], int], texts: list[str], rounds: int) -> tuple[float, int]:
    """Objects a second of this process's own CPU, the median of some rounds; and how many occurrences were found."""
    rates, found = [], 0
    for _ in range(rounds):
        begun = process_time()
        found = sum(map(read, texts))
        rates.append(len(texts) / (process_time() - begun))
    return statistics.median(rates), found


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--objects", type=int, default=4000)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    chance = random.Random(7)  # noqa: S311  the same mix each time
    mix = [(recurring if chance.random() < 0.2 else single)(chance, number) for number in range(options.objects)]
    series = [recurring(chance, number) for number in range(options.objects // 10)]
    ours(mix[0])
    mixed, _ = rate(ours, mix, options.rounds)
    fast, found = rate(ours, series, options.rounds)
    slow, expected = rate(theirs, series, 1)
    sizes = sum(map(len, mix)) / len(mix)
    print(f"occurrences: realistic mix ({sizes:.0f} bytes each)   {mixed:8.0f} objects/s   goal {GOAL}")
    print(f"occurrences: recurring only                    {fast:8.0f} objects/s   {found} occurrences")
    print(f"             recurring-ical-events, same objects {slow:6.0f} objects/s   {expected} occurrences")
    print(f"             ratio                             {fast / slow:8.1f}             goal {RATIO_GOAL}")
    return 0 if mixed >= GOAL and fast >= RATIO_GOAL * slow and found == expected else 1


if __name__ == "__main__":
    sys.exit(main())
