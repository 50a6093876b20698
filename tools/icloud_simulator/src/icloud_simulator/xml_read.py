"""What a client asks for: XML bodies as values. As picky as Apple's parser, and closed to entities."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from lxml import etree

from icloud_simulator.occurrences import EVER, NEVER, Window

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CS = "http://calendarserver.org/ns/"
ICAL = "http://apple.com/ns/ical/"
CALENDAR_DATA = f"{{{CALDAV}}}calendar-data"
GETETAG = f"{{{DAV}}}getetag"

# The same few bodies come again and again; a cache of huge ones would be a way to fill the memory.
_WORTH_REMEMBERING = 4_096

Names = tuple[str, ...]
"""Property names in Clark notation: {namespace}name."""


class BadRequest(ValueError):
    """The body is not what the method wants (400)."""


@dataclass(frozen=True, slots=True)
class Propfind:
    """PROPFIND; no names: allprop."""

    names: Names | None


@dataclass(frozen=True, slots=True)
class Proppatch:
    """PROPPATCH, MKCOL: names set (with their text), names removed, the resource types that are wished for."""

    values: tuple[tuple[str, str], ...]
    removed: Names
    types: Names = ()


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """RFC 6578; an empty token asks for everything."""

    token: str
    limited: bool
    names: Names


@dataclass(frozen=True, slots=True)
class Multiget:
    """RFC 4791, section 7.9."""

    hrefs: tuple[str, ...]
    names: Names


@dataclass(frozen=True, slots=True)
class Query:
    """RFC 4791, section 7.8. `component` is what the filter nests in VCALENDAR, None when it nests nothing."""

    component: str | None
    window: Window | None
    by_property: bool
    names: Names


@dataclass(frozen=True, slots=True)
class OtherReport:
    """A report that Apple's server does not do."""

    name: str


Report = SyncCollection | Multiget | Query | OtherReport


def propfind(body: bytes) -> Propfind:
    """Read a PROPFIND body; none at all means allprop. Raises BadRequest."""
    return _remembered(body) if len(body) <= _WORTH_REMEMBERING else _propfind(body)


def _propfind(body: bytes) -> Propfind:
    if not body:
        return Propfind(None)
    root = _parse(body)
    prop = root.find(f"{{{DAV}}}prop")
    return Propfind(None if prop is None else _names(prop))


_remembered = lru_cache(maxsize=256)(_propfind)


def proppatch(body: bytes) -> Proppatch:
    """Read a PROPPATCH, MKCALENDAR or MKCOL body. Raises BadRequest."""
    if not body:
        return Proppatch((), ())
    root = _parse(body)
    values = tuple(
        (str(item.tag), item.text or "") for item in root.iterfind(f"{{{DAV}}}set/{{{DAV}}}prop/*") if _is_element(item)
    )
    removed = tuple(str(item.tag) for item in root.iterfind(f"{{{DAV}}}remove/{{{DAV}}}prop/*") if _is_element(item))
    types = root.iterfind(f"{{{DAV}}}set/{{{DAV}}}prop/{{{DAV}}}resourcetype/*")
    return Proppatch(values, removed, tuple(str(item.tag) for item in types if _is_element(item)))


def report(body: bytes) -> Report:
    """Read a REPORT body. Raises BadRequest."""
    root = _parse(body)
    prop = root.find(f"{{{DAV}}}prop")
    names = () if prop is None else _names(prop)
    if root.tag == f"{{{DAV}}}sync-collection":
        token = (root.findtext(f"{{{DAV}}}sync-token") or "").strip()
        return SyncCollection(token, root.find(f"{{{DAV}}}limit") is not None, names)
    if root.tag == f"{{{CALDAV}}}calendar-multiget":
        return Multiget(tuple((item.text or "").strip() for item in root.iterfind(f"{{{DAV}}}href")), names)
    if root.tag == f"{{{CALDAV}}}calendar-query":
        return _query(root, names)
    return OtherReport(etree.QName(root).localname)


def _query(root: etree._Element, names: Names) -> Query:
    nested = root.find(f"{{{CALDAV}}}filter/{{{CALDAV}}}comp-filter/{{{CALDAV}}}comp-filter")
    if nested is None:
        return Query(None, None, by_property=False, names=names)
    span = nested.find(f"{{{CALDAV}}}time-range")
    window = None if span is None else Window(_moment(span, "start", NEVER), _moment(span, "end", EVER))
    by_property = nested.find(f"{{{CALDAV}}}prop-filter") is not None
    return Query(nested.get("name", ""), window, by_property=by_property, names=names)


def _moment(span: etree._Element, name: str, default: datetime) -> datetime:
    text = span.get(name)
    if text is None:
        return default
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadRequest("time-range") from error


def _parse(body: bytes) -> etree._Element:
    # White space before a declaration is no XML, and 400 at Apple's; before the root element vdirsyncer sends it there.
    if b"<!DOCTYPE" in body:
        raise BadRequest("a DOCTYPE")
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    except etree.XMLSyntaxError as error:
        raise BadRequest("not XML") from error


def _names(prop: etree._Element) -> Names:
    return tuple(dict.fromkeys(_tags(prop)))


def _tags(prop: etree._Element) -> Iterator[str]:
    return (str(item.tag) for item in prop if _is_element(item))


def _is_element(item: etree._Element) -> bool:
    return isinstance(item.tag, str)
