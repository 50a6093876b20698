"""When a user is busy, told by others: icalendar and recurring-ical-events over the raw objects."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

Interval = tuple[datetime, datetime]


def busy(objects: Iterable[str], start: datetime, end: datetime, *, zone: ZoneInfo, me: str) -> list[Interval]:
    """Merged busy spans of these calendar objects inside [start, end), in UTC, by the product's blocking rules.

    `me` is the user's calendar address: invitations that it declined leave the time open.
    """
    spans = [span for text in objects for span in _blocking(text, start, end, zone, me)]
    return _merged((max(s, start), min(e, end)) for s, e in spans if s < end and e > start)


def _blocking(text: str, start: datetime, end: datetime, zone: ZoneInfo, me: str) -> Iterable[Interval]:
    calendar = Calendar.from_ical(text)
    # Two days more on each side: travel time and floating times may reach in from there.
    around = (start - timedelta(days=2), end + timedelta(days=2))
    for event in recurring_ical_events.of(calendar).between(*around):
        if _blocks(event, me):
            yield _instant(event.start, zone) - _travel(event), _instant(event.end, zone)


def _blocks(event: Event, me: str) -> bool:
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or _declined(event, me):
        return False
    transparency = event.get("TRANSP")
    if transparency is None:
        return isinstance(event.start, datetime)
    return str(transparency).upper() != "TRANSPARENT"


def _declined(event: Event, me: str) -> bool:
    attendees = event.get("ATTENDEE", [])
    each = attendees if isinstance(attendees, list) else [attendees]
    mine = [a for a in each if str(a).lower().removeprefix("mailto:") == me]
    return any(str(a.params.get("PARTSTAT", "")).upper() == "DECLINED" for a in mine)


def _travel(event: Event) -> timedelta:
    travel = event.get("X-APPLE-TRAVEL-DURATION")
    if travel is None:
        return timedelta(0)
    minutes = str(travel).removeprefix("PT").removesuffix("M")
    return timedelta(minutes=int(minutes))


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0), zone).astimezone(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _merged(spans: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
