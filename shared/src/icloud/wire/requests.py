"""Requests as iCloud accepts them: bodies begin with `<` at byte 0, every property is named, VEVENT is nested.

Not used on purpose, as iCloud answers them wrongly or not at all: allprop, expand, free-busy-query, UID text-match,
queries for other components than VEVENT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from xml.sax.saxutils import escape

from icloud import paths

_OPEN = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'
)
_XML = "application/xml; charset=utf-8"
_MULTISTATUS = frozenset({207})
_ABSENT = frozenset({404, 410})


class RequestClass(StrEnum):
    """What a request is for, as far as its price matters."""

    ENTRY = "entry"
    """Finding the home."""
    HOME = "home"
    """Listing all calendars: the poll."""
    REPORT = "report"
    """Questions about one calendar or its objects."""
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, without host and credential. `expected` are the statuses that are no error."""

    method: str
    kind: RequestClass
    expected: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


def principal() -> Request:
    """Who am I (RFC 5397)."""
    return _propfind(RequestClass.ENTRY, "<current-user-principal/>")


def home_set() -> Request:
    """Where do my calendars live, and what are my addresses (RFC 4791 §6.2.1, RFC 6638 §2.4.1)."""
    return _propfind(RequestClass.ENTRY, "<C:calendar-home-set/><C:calendar-user-address-set/>")


def calendars() -> Request:
    """All that an idle poll needs to know, in one request."""
    return _propfind(
        RequestClass.HOME,
        "<displayname/><resourcetype/><C:supported-calendar-component-set/><current-user-privilege-set/>"
        "<S:getctag/><sync-token/><A:calendar-color/>",
        depth=1,
    )


def existence() -> Request:
    """Does this collection exist and may I see it."""
    return _propfind(RequestClass.REPORT, "<resourcetype/>")


def contents() -> Request:
    """Which objects are in a calendar, with their ETags (RFC 4918 §9.1)."""
    return _propfind(RequestClass.REPORT, "<getetag/>", depth=1)


def changes(token: str) -> Request:
    """What happened since a token (RFC 6578 §3.2). iCloud returns no calendar-data here, whatever is asked."""
    return _report(
        f"<sync-collection {_OPEN}><sync-token>{escape(token)}</sync-token><sync-level>1</sync-level>"
        "<prop><getetag/></prop></sync-collection>"
    )


def listing(start: datetime, end: datetime) -> Request:
    """Which objects have an instance in [start, end) (RFC 4791 §7.8). Both times aware."""
    window = f'<C:time-range start="{_utc(start)}" end="{_utc(end)}"/>'
    return _report(
        f"<C:calendar-query {_OPEN}><prop><getetag/></prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{window}</C:comp-filter></C:comp-filter>'
        "</C:filter></C:calendar-query>"
    )


def objects(hrefs: Sequence[str]) -> Request:
    """Whole objects by their decoded paths (RFC 4791 §7.9)."""
    named = "".join(f"<href>{escape(paths.encoded(href))}</href>" for href in hrefs)
    return _report(
        f"<C:calendar-multiget {_OPEN}><prop><getetag/><C:calendar-data/></prop>{named}</C:calendar-multiget>"
    )


def get() -> Request:
    """One object."""
    return Request("GET", RequestClass.REPORT, frozenset({200}) | _ABSENT)


def put(text: str, *, if_match: str | None) -> Request:
    """Create (`if_match` None: only if nothing is there) or replace exactly the version with that ETag."""
    condition = {"If-None-Match": "*"} if if_match is None else {"If-Match": if_match}
    headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
    return Request("PUT", RequestClass.WRITE, frozenset({200, 201, 204}), headers, text.encode())


def delete(*, if_match: str | None) -> Request:
    """Delete exactly the version with that ETag, or any; what is gone already is fine."""
    condition = {} if if_match is None else {"If-Match": if_match}
    return Request("DELETE", RequestClass.WRITE, frozenset({200, 202, 204}) | _ABSENT, condition)


def _propfind(kind: RequestClass, props: str, *, depth: int = 0) -> Request:
    body = f"<propfind {_OPEN}><prop>{props}</prop></propfind>"
    return Request("PROPFIND", kind, _MULTISTATUS, {"Depth": str(depth), "Content-Type": _XML}, body.encode())


def _report(body: str) -> Request:
    return Request("REPORT", RequestClass.REPORT, _MULTISTATUS, {"Depth": "1", "Content-Type": _XML}, body.encode())


def _utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
