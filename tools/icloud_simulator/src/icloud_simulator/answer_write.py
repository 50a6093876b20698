"""PUT, DELETE, GET of objects; MKCALENDAR, PROPPATCH, DELETE of calendars."""

import re

from icloud_simulator import calendars, objects
from icloud_simulator.answer_report import read
from icloud_simulator.calendars import NewCalendar
from icloud_simulator.collection import Version
from icloud_simulator.exchange import Answer, Request, Visit, empty, multistatus, page, refusal
from icloud_simulator.facts import Kind
from icloud_simulator.places import Place, What
from icloud_simulator.properties import location
from icloud_simulator.put_rules import Accepted, Refused, check, check_name, people
from icloud_simulator.state import Account, Mount
from icloud_simulator.xml_print import Item, encoded
from icloud_simulator.xml_read import CALDAV, DAV, ICAL, proppatch

_NO_UID_CONFLICT = f"{{{CALDAV}}}no-uid-conflict"
_NEED_PRIVILEGES = f"{{{DAV}}}need-privileges"
_DISPLAY_NAME, _COLOR = f"{{{DAV}}}displayname", f"{{{ICAL}}}calendar-color"
_SHORTEST_NAME = 8
_DTSTAMP = re.compile(r"^DTSTAMP:[^\r\n]*\r?\n", re.MULTILINE)


def answer_get(visit: Visit, place: Place) -> Answer:
    """Answer GET and HEAD: objects alone can be read."""
    if place.what is not What.OBJECT:
        return page(400, "Bad Request")
    mount = visit.account.mounts.get(place.child)
    version = None if mount is None else read(visit, mount, place.name)
    if version is None:
        return empty(404)
    headers = (("content-type", "text/calendar; charset=utf-8"), ("etag", version.etag))
    return Answer(200, (version.text or "").encode(), headers)


def answer_put(visit: Visit, place: Place) -> Answer:
    """Store an object, or say why not."""
    mount = visit.account.mounts.get(place.child)
    if place.what is not What.OBJECT:
        return page(400, "Bad Request")
    if mount is None:
        return empty(404)
    try:
        accepted = _accepted(visit, mount, place.name)
    except Refused as verdict:
        held = () if verdict.held_at is None else (("location", location(visit.base, verdict.held_at)),)
        return refusal(verdict.status, verdict.precondition, *held)
    return _stored(visit, mount, place.name, accepted)


def _accepted(visit: Visit, mount: Mount, name: str) -> Accepted:
    if not mount.writable:
        raise Refused(403, _NEED_PRIVILEGES)
    known = mount.collection.current(name)
    if not _preconditions_hold(visit.request, known):
        raise Refused(412)
    check_name(name)
    _check_type(visit.request)
    accepted = check(visit.request.body, "VTODO" if mount.kind is Kind.REMINDERS else "VEVENT")
    if known is not None and known.uid not in {None, accepted.uid}:
        raise Refused(403, _NO_UID_CONFLICT)
    holder = objects.uid_holder(visit.account, accepted.uid)
    if holder is not None and (holder[0].path, holder[1]) != (mount.path, name):
        raise Refused(visit.faults.knobs.uid_conflict_status, _NO_UID_CONFLICT, encoded(holder[0].path, holder[1]))
    return accepted


def _stored(visit: Visit, mount: Mount, name: str, accepted: Accepted) -> Answer:
    knobs = visit.faults.knobs
    existed = mount.collection.current(name) is not None
    text = accepted.text
    if knobs.duplicate_dtstamp:
        text = _DTSTAMP.sub(lambda line: line.group() * 2, text)
    (etag,) = objects.write(visit.world, mount, [(name, text)])
    guests = tuple(person for person in accepted.attendees if person not in _mails(visit.account))
    if accepted.organizer is not None and guests:
        _record(visit, mount, name, method="REQUEST", people=(accepted.organizer, guests))
    told = () if text != accepted.text or visit.faults.hits(knobs.put_etag_omitted) else (("etag", etag),)
    return empty(204 if existed else 201, *told)


def answer_delete(visit: Visit, place: Place) -> Answer:
    """Remove an object or a calendar."""
    mount = visit.account.mounts.get(place.child)
    if mount is None:
        return empty(404 if place.child else 403)
    if place.what is What.CHILD:
        return _calendar_deleted(visit, mount)
    known = mount.collection.current(place.name)
    if known is None:
        return empty(404)
    if not mount.writable:
        return refusal(403, _NEED_PRIVILEGES)
    if not visit.faults.knobs.delete_ignores_etag and not _preconditions_hold(visit.request, known):
        return empty(412)
    organizer, attendees = people(known.text or "")
    objects.remove(visit.world, mount, [place.name])
    mails = _mails(visit.account)
    guests = tuple(person for person in attendees if person not in mails)
    if organizer in mails and guests:
        _record(visit, mount, place.name, method="CANCEL", people=(organizer, guests))
    elif organizer is not None and mails & set(attendees):
        _record(visit, mount, place.name, method="REPLY", people=(organizer, (organizer,)))
    return empty(204)


def _calendar_deleted(visit: Visit, mount: Mount) -> Answer:
    if mount.kind in {Kind.INBOX, Kind.OUTBOX, Kind.NOTIFICATION}:
        return refusal(403, _NEED_PRIVILEGES)
    calendars.remove_calendar(visit.world, mount)
    return empty(204)


def answer_mkcalendar(visit: Visit, place: Place) -> Answer:
    """Make a calendar of events, by MKCALENDAR or extended MKCOL (RFC 5689); lists of reminders cannot be made."""
    if place.what not in {What.CHILD, What.OBJECT} or len(place.child) < _SHORTEST_NAME or place.name:
        return empty(403)
    if place.child in visit.account.mounts:
        return refusal(403, f"{{{DAV}}}resource-must-be-null")
    if b"VTODO" in visit.request.body:
        return refusal(403, f"{{{CALDAV}}}supported-calendar-component")
    asked = proppatch(visit.request.body)
    if visit.request.method == "MKCOL" and f"{{{CALDAV}}}calendar" not in asked.types:
        return refusal(403, f"{{{DAV}}}valid-resourcetype")
    values = dict(asked.values)
    wish = NewCalendar(values.get(_DISPLAY_NAME, "Untitled"), path_id=place.child, color=values.get(_COLOR))
    calendars.add_calendar(visit.world, visit.account.apple_id, wish)
    return empty(201)


def answer_proppatch(visit: Visit, place: Place) -> Answer:
    """Rename or recolour a calendar; every other property is kept from the client with a 404."""
    mount = visit.account.mounts.get(place.child)
    if mount is None or place.what is not What.CHILD:
        return empty(404 if place.what is What.CHILD else 403)
    asked = proppatch(visit.request.body)
    values = dict(asked.values)
    calendars.redecorate(visit.world, mount, name=values.get(_DISPLAY_NAME), color=values.get(_COLOR))
    found = tuple((name, "") for name in values if name in {_DISPLAY_NAME, _COLOR})
    missing = tuple(name for name in (*values, *asked.removed) if name not in {_DISPLAY_NAME, _COLOR})
    return multistatus((Item(encoded(mount.path), found, missing),))


def _check_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "text/calendar").split(";")[0].strip().lower()
    if media_type != "text/calendar":
        raise Refused(403, f"{{{CALDAV}}}supported-calendar-data")


def _preconditions_hold(request: Request, known: Version | None) -> bool:
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if match is not None and (known is None or not _names(match, known)):
        return False
    return none_match is None or known is None or not _names(none_match, known)


def _names(header: str, version: Version) -> bool:
    return header.strip() == "*" or version.etag in {item.strip() for item in header.split(",")}


def _mails(account: Account) -> set[str]:
    return {account.apple_id, *account.aliases}


def _record(visit: Visit, mount: Mount, name: str, *, method: str, people: tuple[str, tuple[str, ...]]) -> None:
    at = visit.world.clock.now()
    visit.world.commit(objects.invitation(mount, name, at, method=method, people=people))
