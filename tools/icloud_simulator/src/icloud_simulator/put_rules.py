"""What Apple's server refuses to store, decided from the text alone."""

import re
from dataclasses import dataclass

from icloud_simulator.ics import Component, NotICalendar, parse
from icloud_simulator.instants import zone

CALDAV = "urn:ietf:params:xml:ns:caldav"
MAX_BYTES = 20 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9._@-]+\.ics")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Refused(Exception):
    """The object is not stored.

    `precondition` is a Clark name where the answer carries one, `held_at` an encoded path.
    """

    def __init__(self, status: int, precondition: str | None = None, held_at: str | None = None) -> None:
        super().__init__(status, precondition)
        self.status = status
        self.precondition = precondition
        self.held_at = held_at


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the server has to know of an object that it stores."""

    text: str
    uid: str
    organizer: str | None
    attendees: tuple[str, ...]


def check_name(name: str) -> None:
    """Refuse names that Apple refuses (400)."""
    if _NAME.fullmatch(name) is None:
        raise Refused(400)


def check(body: bytes, component: str) -> Accepted:
    """Read a PUT body for a collection of one component type. Raises Refused."""
    calendar, text = _calendar(body)
    parts = [part for part in calendar.parts if part.name != "VTIMEZONE"]
    if calendar.first("METHOD") is not None or not parts:
        raise Refused(403, f"{{{CALDAV}}}valid-calendar-data")
    if any(part.name != component for part in parts):
        raise Refused(403, f"{{{CALDAV}}}supported-calendar-component")
    uids = {part.value("UID") for part in parts}
    uid = uids.pop()
    if uids or not uid:
        raise Refused(403, f"{{{CALDAV}}}valid-calendar-data")
    _check_zones(calendar, parts)
    if component == "VEVENT":
        _check_events(parts)
    return Accepted(text, uid, _organizer(parts), _attendees(parts))


def people(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return organizer and attendees (lower-case addresses) of a stored object; nobody when it is unreadable."""
    try:
        parts = parse(text).parts
    except NotICalendar:
        return None, ()
    return _organizer(parts), _attendees(parts)


def _calendar(body: bytes) -> tuple[Component, str]:
    if len(body) > MAX_BYTES:
        raise Refused(413)
    try:
        text = body.decode()
        if _CONTROL.search(text) is not None:
            raise Refused(400)
        return parse(text), text
    except (UnicodeDecodeError, NotICalendar) as error:
        raise Refused(400) from error


def _check_events(events: list[Component]) -> None:
    if any(event.first("DTSTART") is None for event in events):
        raise Refused(400)
    if any(event.first("DTEND") is None and event.first("DURATION") is None for event in events):
        raise Refused(404)  # odd, and what two reports of 2025 saw


def _check_zones(calendar: Component, parts: list[Component]) -> None:
    brought = {part.value("TZID") for part in calendar.inside("VTIMEZONE")}
    named = {tzid for part in parts for line in part.lines if (tzid := line.parameters.get("TZID")) is not None}
    if any(tzid not in brought and zone(tzid) is None for tzid in named):
        raise Refused(403, f"{{{CALDAV}}}valid-timezone")


def _organizer(parts: list[Component]) -> str | None:
    values = (part.value("ORGANIZER") for part in parts)
    return next((_address(value) for value in values if value is not None), None)


def _attendees(parts: list[Component]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_address(line.value) for part in parts for line in part.all("ATTENDEE")))


def _address(value: str) -> str:
    return value.strip().lower().removeprefix("mailto:")
