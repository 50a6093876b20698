"""Calendar objects of made-up lives, from a seed: the same seed and day make the same life."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

_MAKE: Final = "PRODID:-//Apple Inc.//iOS 18.0//EN"
_STAMP: Final = "%Y%m%dT%H%M%S"


def objects(random: Random, today: datetime, count: int) -> Iterator[tuple[str, str]]:
    """Yield `count` objects as (resource name, text): single and recurring, busy and free, cancelled and all-day."""
    for _ in range(count):
        uid = f"{random.getrandbits(128):032X}"
        yield f"{uid}.ics", object_of(uid, random, today)


def object_of(uid: str, random: Random, today: datetime) -> str:
    """One object; another call with the same UID gives the event another time and kind."""
    kind = random.choice(_KINDS)
    start = today + timedelta(days=random.randrange(-3, 60), minutes=15 * random.randrange(4 * 24))
    lines = kind(random, start)
    return _calendar([f"UID:{uid}", f"DTSTAMP:{today:{_STAMP}}Z", "SUMMARY:Canari", *lines])


def _single(random: Random, start: datetime) -> list[str]:
    return _times(start, random)


def _free(random: Random, start: datetime) -> list[str]:
    return [*_times(start, random), "TRANSP:TRANSPARENT"]


def _cancelled(random: Random, start: datetime) -> list[str]:
    return [*_times(start, random), "STATUS:CANCELLED"]


def _daily(random: Random, start: datetime) -> list[str]:
    skipped = start + timedelta(days=random.randrange(1, 5))
    return [
        *_times(start, random),
        f"RRULE:FREQ=DAILY;COUNT={random.randrange(3, 20)}",
        f"EXDATE:{skipped:{_STAMP}}Z",
    ]


def _weekly_in_paris(random: Random, start: datetime) -> list[str]:
    end = start + timedelta(minutes=30 * random.randrange(1, 6))
    return [
        f"DTSTART;TZID=Europe/Paris:{start:{_STAMP}}",
        f"DTEND;TZID=Europe/Paris:{end:{_STAMP}}",
        f"RRULE:FREQ=WEEKLY;INTERVAL={random.randrange(1, 3)};COUNT={random.randrange(2, 30)}",
    ]


def _all_day(random: Random, start: datetime) -> list[str]:
    end = start + timedelta(days=random.randrange(1, 4))
    busy = ["TRANSP:OPAQUE"] if random.random() < 0.5 else []
    return [f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}", *busy]


_KINDS: Final[tuple[Callable[[Random, datetime], list[str]], ...]] = (
    _single,
    _single,
    _free,
    _cancelled,
    _daily,
    _weekly_in_paris,
    _all_day,
)


def _times(start: datetime, random: Random) -> list[str]:
    end = start + timedelta(minutes=15 * random.randrange(1, 12))
    return [f"DTSTART:{start:{_STAMP}}Z", f"DTEND:{end:{_STAMP}}Z"]


def _calendar(event: list[str]) -> str:
    paris = [
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Paris",
        "BEGIN:DAYLIGHT",
        "TZOFFSETFROM:+0100",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "DTSTART:19810329T020000",
        "TZNAME:CEST",
        "TZOFFSETTO:+0200",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "TZOFFSETFROM:+0200",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "DTSTART:19961027T030000",
        "TZNAME:CET",
        "TZOFFSETTO:+0100",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
    zone = paris if any("TZID" in line for line in event) else []
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", _MAKE, *zone, "BEGIN:VEVENT", *event, "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(lines)
