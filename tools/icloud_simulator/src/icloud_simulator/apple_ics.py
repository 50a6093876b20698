"""Events as Apple's calendar apps write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Timezone

from icloud_simulator.ics import folded, unfolded
from icloud_simulator.instants import utc_stamp

_PRODID = "-//Apple Inc.//iOS 18.0//EN"
# Apple writes rules from the year in which a zone's present law began.
_PARIS = """BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:UTC+2
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:UTC+1
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE"""


@dataclass(frozen=True, slots=True)
class Override:
    """Another shape of one occurrence, which would have begun at `instead_of`."""

    instead_of: datetime
    start: datetime
    end: datetime
    title: str | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleEvent:
    """One event. Dates make it all-day (`end` exclusive), times carry their zone. `partstat`: the answer of `me`."""

    uid: str
    title: str
    start: datetime | date
    end: datetime | date
    rule: str | None = None
    left_out: tuple[datetime, ...] = ()
    overrides: tuple[Override, ...] = ()
    transparent: bool = False
    status: str | None = None
    partstat: str | None = None
    me: str | None = None
    organizer: str | None = None
    travel: timedelta | None = None
    location: str | None = None


def apple_text(event: AppleEvent, now: datetime) -> str:
    """Write an event as iCalendar: CRLF, folded, with the time zones it names."""
    lines = ["BEGIN:VCALENDAR", "CALSCALE:GREGORIAN", f"PRODID:{_PRODID}", "VERSION:2.0"]
    for zone in sorted(_zones(event)):
        lines += _zone_lines(zone)
    lines += _event_lines(event, now)
    for override in event.overrides:
        lines += _override_lines(event, override, now)
    lines.append("END:VCALENDAR")
    return folded(lines)


def time_line(name: str, value: datetime | date) -> str:
    """Write a property that holds a date, a UTC time or a time with its zone."""
    if not isinstance(value, datetime):
        return f"{name};VALUE=DATE:{value:%Y%m%d}"
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key != "UTC":
        return f"{name};TZID={value.tzinfo.key}:{value:%Y%m%dT%H%M%S}"
    return f"{name}:{utc_stamp(value)}"


def duration_text(length: timedelta) -> str:
    """Write a length in minutes, as travel times are."""
    minutes = int(length.total_seconds() // 60)
    return f"PT{minutes // 60}H{minutes % 60}M" if minutes >= 60 and minutes % 60 else f"PT{minutes}M"  # noqa: PLR2004 - minutes of an hour


def _event_lines(event: AppleEvent, now: datetime) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{event.uid}")
    yield from _stamps(now)
    yield time_line("DTSTART", event.start)
    yield time_line("DTEND", event.end)
    if event.rule is not None:
        yield f"RRULE:{event.rule}"
    yield from (time_line("EXDATE", moment) for moment in event.left_out)
    yield from (f"SUMMARY:{escaped(event.title)}", "SEQUENCE:0")
    yield f"TRANSP:{'TRANSPARENT' if event.transparent else 'OPAQUE'}"
    if event.status is not None:
        yield f"STATUS:{event.status}"
    yield from _people(event)
    yield from _place(event)
    yield "END:VEVENT"


def _override_lines(event: AppleEvent, override: Override, now: datetime) -> Iterator[str]:
    yield from ("BEGIN:VEVENT", f"UID:{event.uid}")
    yield from _stamps(now)
    yield time_line("RECURRENCE-ID", override.instead_of)
    yield time_line("DTSTART", override.start)
    yield time_line("DTEND", override.end)
    yield from (f"SUMMARY:{escaped(override.title or event.title)}", "SEQUENCE:1", "TRANSP:OPAQUE")
    if override.cancelled:
        yield "STATUS:CANCELLED"
    yield "END:VEVENT"


def _stamps(now: datetime) -> Iterator[str]:
    stamp = utc_stamp(now)
    yield from (f"DTSTAMP:{stamp}", f"CREATED:{stamp}", f"LAST-MODIFIED:{stamp}")


def _people(event: AppleEvent) -> Iterator[str]:
    if event.organizer is None:
        return
    yield f"ORGANIZER;CN=Organizer;EMAIL={event.organizer}:mailto:{event.organizer}"
    yield f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:{event.organizer}"
    if event.me is not None:
        yield f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT={event.partstat or 'NEEDS-ACTION'};RSVP=TRUE:mailto:{event.me}"


def _place(event: AppleEvent) -> Iterator[str]:
    if event.location is not None:
        yield f"LOCATION:{escaped(event.location)}"
        title = event.location.replace('"', "'")
        yield (
            f'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-APPLE-RADIUS=70;X-APPLE-REFERENCEFRAME=1;X-TITLE="{title}":'
            "geo:48.856613,2.352222"
        )
    if event.travel is not None:
        yield f"X-APPLE-TRAVEL-DURATION;VALUE=DURATION:{duration_text(event.travel)}"
    yield "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC"
    yield "X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal"


def escaped(text: str) -> str:
    """Escape a TEXT value (RFC 5545, section 3.3.11)."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _zones(event: AppleEvent) -> set[str]:
    moments = [event.start, event.end, *event.left_out]
    moments += [moment for override in event.overrides for moment in (override.start, override.end)]
    found = (moment.tzinfo for moment in moments if isinstance(moment, datetime))
    return {zone.key for zone in found if isinstance(zone, ZoneInfo) and zone.key != "UTC"}


def _zone_lines(zone: str) -> list[str]:
    if zone == "Europe/Paris":
        return _PARIS.split("\n")
    text: bytes = Timezone.from_tzid(zone, first_date=date(2020, 1, 1), last_date=date(2038, 1, 1)).to_ical()
    return unfolded(text.decode())
