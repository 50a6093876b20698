"""The calendars of a home, out of the answer to one PROPFIND."""

import re

from icloud import paths
from icloud.errors import NotUnderstood, TryLater
from icloud.values import ListedCalendar, UnsupportedReason
from icloud.wire import names
from icloud.wire.answers import GONE, responses, unwell
from icloud.wire.multistatus import Response

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
_NAME_LENGTH = 255


def listed_calendars(body: bytes | bytearray, *, home: str, base: str) -> list[ListedCalendar]:
    """Calendars of a home, in the server's order; inbox, outbox, notifications and the home itself left out.

    A calendar that the server cannot tell about right now makes the whole listing TryLater: left out, it would look
    deleted.
    """
    listed, seen = [], 0
    for response in responses(body, base):
        seen += 1
        if response.status in GONE:
            continue
        if unwell(response):
            raise TryLater(None, "incomplete_listing")
        if paths.of_collection(response.path) != home and (calendar := _calendar(response)) is not None:
            listed.append(calendar)
    if not seen:
        raise NotUnderstood("empty_answer")
    return listed


def _calendar(response: Response) -> ListedCalendar | None:
    types = _children(response, names.RESOURCETYPE)
    subscribed = names.SUBSCRIBED in types
    if not response.path or not (subscribed or names.CALENDAR in types):
        return None
    path = paths.of_collection(response.path)
    reason: UnsupportedReason | None = "subscribed" if subscribed else None
    components = _components(response)
    # No component set at all means any component (RFC 4791 §5.2.3); iCloud leaves it out on calendars shared to us.
    if reason is None and components and "VEVENT" not in components:
        if "VTODO" not in components:
            return None
        reason = "reminders"
    name = response.text(names.DISPLAYNAME) or path.rstrip("/").rpartition("/")[2]
    color = response.text(names.COLOR) or ""
    return ListedCalendar(
        path=path,
        name=name[:_NAME_LENGTH],
        color=color[:7].upper() if _COLOR.fullmatch(color) else None,
        writable=not subscribed and _writable(response),
        supported=reason is None,
        reason=reason,
        shared=names.SHARED in types,
        ctag=response.text(names.CTAG),
        token=response.text(names.SYNC_TOKEN),
    )


def _children(response: Response, name: str) -> frozenset[str]:
    element = response.found.get(name)
    return frozenset() if element is None else frozenset(child.tag for child in element)


def _components(response: Response) -> frozenset[str]:
    element = response.found.get(names.COMPONENT_SET)
    if element is None:
        return frozenset()
    return frozenset((comp.get("name") or "").upper() for comp in element.findall(names.COMPONENT))


def _writable(response: Response) -> bool:
    element = response.found.get(names.PRIVILEGE_SET)
    if element is None:
        return False
    held = {child.tag for privilege in element.findall(names.PRIVILEGE) for child in privilege}
    return not names.WRITING.isdisjoint(held)
