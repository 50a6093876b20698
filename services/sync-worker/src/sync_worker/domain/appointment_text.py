"""An appointment as the calendar object that goes to iCloud (RFC 5545)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vText

from sync_worker.domain.appointments import MARKER, PRINT, Agreed
from sync_worker.domain.zone_definition import definition

_PRODUCT: Final = "-//CrocoClick//iCloud Calendar Sync 1.0//EN"


@dataclass(frozen=True, slots=True)
class Manner:
    """How the user wants appointments written: in which zone, and so many minutes before them an alarm, or none."""

    zone: ZoneInfo
    alarm_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Which appointment, under which UID, in which revision (from 1), and the moment of writing."""

    appointment_id: str
    uid: str
    revision: int
    at: datetime


class _Words(vText):
    r"""TEXT (RFC 5545, 3.3.11). icalendar's own takes `\N` for an end of a line before it escapes backslashes."""

    def to_ical(self) -> bytes:
        escaped = self.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
        return escaped.encode()


def text_of(issue: Issue, agreed: Agreed, manner: Manner) -> str:
    """The whole object, lines folded and ended by CR LF.

    Nobody is invited by it: it has no METHOD, ORGANIZER or ATTENDEE.
    """
    start, end = _local(agreed.span.start, manner.zone), _local(agreed.span.end, manner.zone)
    if not (_unmistakable(start) and _unmistakable(end)):
        start, end = start.astimezone(UTC), end.astimezone(UTC)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    if isinstance(start.tzinfo, ZoneInfo):
        calendar.add_component(definition(start.tzinfo, start, end))
    event = _event(issue, agreed, (start, end))
    if manner.alarm_minutes is not None:
        event.add_component(_alarm(timedelta(minutes=manner.alarm_minutes), agreed.title))
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()


def _event(issue: Issue, agreed: Agreed, times: tuple[datetime, datetime]) -> Event:
    event = Event()
    event.add("uid", issue.uid)
    event.add("dtstamp", issue.at)
    event.add("last-modified", issue.at)
    event.add("sequence", issue.revision - 1)
    event.add("dtstart", times[0])
    event.add("dtend", times[1])
    event.add("summary", _Words(agreed.title))
    if agreed.location:
        event.add("location", _Words(agreed.location))
    if agreed.notes:
        event.add("description", _Words(agreed.notes))
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add(MARKER, _Words(issue.appointment_id))
    event.add(PRINT, agreed.fingerprint)
    return event


def _alarm(before: timedelta, title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -before)
    alarm.add("description", _Words(title))
    return alarm


def _local(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant, zone)


def _unmistakable(moment: datetime) -> bool:
    """Whether its wall time in its zone is enough to tell it.

    An hour that the clocks show twice names its first (RFC 5545, 3.3.5). Zones that are no places on Earth (`UTC`,
    `Etc/GMT+5`, `EST5EDT`) are names that not every calendar knows.
    """
    zone = moment.tzinfo
    is_place = isinstance(zone, ZoneInfo) and "/" in zone.key and not zone.key.startswith("Etc/")
    return is_place and moment.fold == 0
