"""A bare CalDAV client that sends what it is told and hides nothing: for tests of and with the simulator."""

from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx
from lxml import etree

from icloud_simulator.client import tls
from icloud_simulator.xml_read import CALDAV, CS, DAV

_PREFIXES = {"d": DAV, "c": CALDAV, "cs": CS, "ical": "http://apple.com/ns/ical/"}
_NAMESPACES = " ".join(f'xmlns:{prefix}="{namespace}"' for prefix, namespace in _PREFIXES.items())


@dataclass(frozen=True, slots=True)
class Found:
    """One response of a multistatus. Properties by prefixed name (d:, c:, cs:, ical:), only those with status 200."""

    path: str
    status: int | None
    properties: dict[str, etree._Element] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """Return a property's text. Raises KeyError when it was not found."""
        return "".join(str(piece) for piece in self.properties[name].itertext())

    def tags(self, name: str) -> set[str]:
        """Return the prefixed names of a property's descendants."""
        return {_prefixed(item) for item in self.properties[name].iterdescendants()}


class Probe:
    """One user of one CalDAV server. Follows nothing, retries nothing."""

    def __init__(self, url: str, user: str, password: str) -> None:
        login = httpx.BasicAuth(user, password)
        self._http = httpx.Client(base_url=url, auth=login, timeout=30, trust_env=False, verify=tls(url))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> httpx.Response:
        """Send a request; underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.request(method, path, content=body, headers=named)

    def propfind(self, path: str, *names: str, depth: str = "0") -> list[Found]:
        """Ask for properties by prefixed name."""
        props = "".join(f"<{name}/>" for name in names)
        body = f"<d:propfind {_NAMESPACES}><d:prop>{props}</d:prop></d:propfind>"
        return found(self.send("PROPFIND", path, body, depth=depth))

    def changes(self, path: str, token: str = "") -> tuple[list[Found], str]:
        """Run sync-collection. Returns responses and the new token."""
        answer = self.sync(path, token)
        root = etree.fromstring(answer.content)
        return found(answer), root.findtext(f"{{{DAV}}}sync-token") or ""

    def sync(self, path: str, token: str) -> httpx.Response:
        """Send sync-collection."""
        body = (
            f"<d:sync-collection {_NAMESPACES}><d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>"
            "<d:prop><d:getetag/></d:prop></d:sync-collection>"
        )
        return self.send("REPORT", path, body, depth="1")

    def multiget(self, path: str, *hrefs: str) -> list[Found]:
        """Run calendar-multiget."""
        named = "".join(f"<d:href>{href}</d:href>" for href in hrefs)
        body = f"<c:calendar-multiget {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>{named}"
        return found(self.send("REPORT", path, f"{body}</c:calendar-multiget>", depth="1"))

    def query(self, path: str, start: str, end: str) -> list[Found]:
        """Run calendar-query over a time range of UTC stamps."""
        span = f'<c:time-range start="{start}" end="{end}"/>'
        return found(self.send("REPORT", path, query_body(f'<c:comp-filter name="VEVENT">{span}</c:comp-filter>')))

    def put(self, path: str, text: str, **headers: str) -> httpx.Response:
        """Send an object."""
        return self.send("PUT", path, text.encode(), content_type="text/calendar; charset=utf-8", **headers)


def query_body(inside: str) -> str:
    """Write a calendar-query whose filter nests `inside` in VCALENDAR."""
    return (
        f"<c:calendar-query {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>"
        f'<c:filter><c:comp-filter name="VCALENDAR">{inside}</c:comp-filter></c:filter></c:calendar-query>'
    )


def found(answer: httpx.Response) -> list[Found]:
    """Read a multistatus. Raises httpx.HTTPStatusError for errors."""
    answer.raise_for_status()
    root = etree.fromstring(answer.content)
    return [_found(item) for item in root.iterfind(f"{{{DAV}}}response")]


def _found(item: etree._Element) -> Found:
    good: dict[str, etree._Element] = {}
    missing: set[str] = set()
    for propstat in item.iterfind(f"{{{DAV}}}propstat"):
        properties = {_prefixed(prop): prop for prop in propstat.iterfind(f"{{{DAV}}}prop/*")}
        if " 200 " in (propstat.findtext(f"{{{DAV}}}status") or ""):
            good |= properties
        else:
            missing |= properties.keys()
    status = item.findtext(f"{{{DAV}}}status")
    path = unquote(item.findtext(f"{{{DAV}}}href") or "")
    return Found(path, None if status is None else int(status.split(" ")[1]), good, frozenset(missing))


def _prefixed(item: etree._Element) -> str:
    name = etree.QName(item)
    prefix = next((key for key, namespace in _PREFIXES.items() if namespace == name.namespace), "?")
    return f"{prefix}:{name.localname}"
