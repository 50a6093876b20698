"""Apple's XML: the default namespace DAV:, xmlns on every property, quotes of both kinds, stray blank lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from icloud_simulator.xml_read import CALDAV, DAV

CONTENT_TYPE = "text/xml; charset=UTF-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPEN = f'{_HEAD}<multistatus xmlns="{DAV}">\n\n'
# "@" comes back as %40; the other characters of RFC 3986's pchar stay.
_SAFE_IN_NAME = "-._~!$&'()*+,;=:"
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "'": "&apos;"})


@dataclass(frozen=True, slots=True)
class Item:
    """One response of a multistatus. `path` is encoded; with a `status` there are no properties."""

    path: str
    found: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    status: int | None = None


def text(value: str) -> str:
    """Escape character data; CR becomes a character reference, as XML parsers swallow it otherwise."""
    return value.translate(_TEXT)


def attribute(value: str) -> str:
    """Escape an attribute's value for quotes of either kind."""
    return value.translate(_ATTRIBUTE)


def href(path: str) -> str:
    """Write a path or URL as a DAV:href property's content."""
    return f'<href xmlns="{DAV}">{text(path)}</href>'


def encoded(path: str, name: str = "") -> str:
    """Percent-encode a path the way Apple does, and behind it the name of an object, its slashes too."""
    return quote(path, safe=f"/{_SAFE_IN_NAME}") + quote(name, safe=_SAFE_IN_NAME)


def component_set(names: Iterable[str]) -> str:
    """Write the content of supported-calendar-component-set."""
    return "".join(f"<comp name='{name}' xmlns='{CALDAV}'/>" for name in names)


def multistatus(items: Iterable[str], *, token: str | None = None) -> bytes:
    """Put printed responses together."""
    tail = "" if token is None else f'<sync-token xmlns="{DAV}">{token}</sync-token>\n'
    return f"{_OPEN}{''.join(items)}{tail}</multistatus>".encode()


def response(item: Item) -> str:
    """Print one response."""
    inside = "".join(_propstats(item)) if item.status is None else f"<status>{status_line(item.status)}</status>"
    return f'<response xmlns="{DAV}">\n <href>{text(item.path)}</href>\n{inside}</response>\n\n'


def error(precondition: str) -> bytes:
    """Print a DAV:error body with one precondition (a Clark name)."""
    return f'{_HEAD}<error xmlns="{DAV}">{_element(precondition, "")}</error>'.encode()


def status_line(status: int) -> str:
    """Return the status line of a response or propstat."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


def _propstats(item: Item) -> Iterable[str]:
    if item.found:
        yield _propstat("".join(_element(name, content) + "\n" for name, content in item.found), 200)
    if item.missing:
        yield _propstat("".join(_element(name, "") + "\n" for name in item.missing), 404)
    if not item.found and not item.missing:
        yield _propstat("", 200)


def _propstat(properties: str, status: int) -> str:
    return f" <propstat>\n<prop>\n{properties}</prop>\n <status>{status_line(status)}</status></propstat>\n"


def _element(name: str, content: str) -> str:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    opening = f'{local} xmlns="{attribute(namespace)}"'
    return f"<{opening}>{content}</{local}>" if content else f"<{opening}/>"
