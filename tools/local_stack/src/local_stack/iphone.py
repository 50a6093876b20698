"""The user's iPhone: somebody else's CalDAV client (python-caldav) on the same Apple account."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from caldav.davclient import DAVClient
from icalendar import Calendar

if TYPE_CHECKING:
    from caldav.calendarobjectresource import Event as EventOfClient
    from caldav.collection import Calendar as CalendarOfClient


class Iphone:
    """Adds, moves and deletes events of one calendar as the user would."""

    def __init__(self, url: str, apple_id: str, app_password: str, *, calendar: str = "home") -> None:
        self._client = DAVClient(url=url, username=apple_id, password=app_password)
        # caldav serves blocking and asynchronous callers with one signature; this client is a blocking one.
        mine = cast("list[CalendarOfClient]", self._client.get_principal().get_calendars())
        self._calendar = next(c for c in mine if str(c.url).rstrip("/").endswith(f"/{calendar}"))

    @property
    def name(self) -> str:
        """What the calendar is called."""
        return str(self._calendar.get_display_name())

    def add(self, title: str, start: datetime, end: datetime) -> str:
        """Return the URL of the new event; iCloud does not find events by their UID."""
        event = cast("EventOfClient", self._calendar.save_event(_event(str(uuid4()).upper(), title, start, end)))
        return str(event.url)

    def move(self, url: str, start: datetime, end: datetime) -> None:
        """Give the event another time, in place."""
        event = self._calendar.event_by_url(url)
        content = Calendar.from_ical(event.data)
        component = content.events[0]
        for name, moment in (("DTSTART", start), ("DTEND", end)):
            component.pop(name)
            component.add(name, moment.astimezone(UTC))
        event.data = content.to_ical().decode()
        event.save()

    def delete(self, url: str) -> None:
        self._calendar.event_by_url(url).delete()

    def shows(self, title: str) -> bool:
        """Whether an event of that title is in the calendar."""
        kept = cast("list[EventOfClient]", self._calendar.get_events())
        return any(str(event.get("SUMMARY")) == title for one in kept for event in Calendar.from_ical(one.data).events)

    def close(self) -> None:
        self._client.close()


def _event(uid: str, title: str, start: datetime, end: datetime) -> str:
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Apple Inc.//iOS 18.0//EN",
        "CALSCALE:GREGORIAN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTEND:{end.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{title}",
        "TRANSP:OPAQUE",
        "SEQUENCE:0",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines)
