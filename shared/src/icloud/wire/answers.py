"""What answers mean: values out of multistatus bodies. Functions raise NotUnderstood or TryLater, nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

from icloud import paths
from icloud.errors import NotUnderstood, TryLater
from icloud.values import Absence, CalendarObject, Missing
from icloud.wire import names
from icloud.wire.multistatus import NextToken, Response, is_success, read

GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_TRUNCATED = HTTPStatus.INSUFFICIENT_STORAGE  # RFC 6578 §3.6
_ETAG_LENGTH = 512
_NEEDED = frozenset({names.RESOURCETYPE, names.COMPONENT_SET, names.PRIVILEGE_SET})
_ABSENT = GONE | {HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of changes. `cut` tells that the server has more behind `token`."""

    changed: dict[str, str] = field(repr=False)
    removed: frozenset[str] = field(repr=False)
    token: str = field(repr=False)
    cut: bool


class TokenRefused(NotUnderstood):
    """A refusal of the token in the form of a multistatus."""

    def __init__(self) -> None:
        super().__init__("token_refused")


class TooManyMatches(NotUnderstood):
    """The question has a larger answer than the server gives, or than we take: ask for less at a time."""

    def __init__(self) -> None:
        super().__init__("too_many_matches")


def principal(body: bytes | bytearray, *, base: str) -> str | None:
    """Href of the principal as the server wrote it, None if it names none."""
    for response in responses(body, base):
        if (element := response.found.get(names.CURRENT_USER_PRINCIPAL)) is not None:
            return (element.findtext(names.HREF) or "").strip() or None
    return None


def home_set(body: bytes | bytearray, *, base: str) -> tuple[str | None, tuple[str, ...]]:
    """Href of the first calendar home as the server wrote it, and everything that it calls the user in calendars.

    Read from whatever resource the answer speaks of: iCloud at times names the principal differently than it was asked.
    """
    home: str | None = None
    addresses: dict[str, None] = {}
    for response in responses(body, base):
        if home is None and (element := response.found.get(names.CALENDAR_HOME_SET)) is not None:
            home = (element.findtext(names.HREF) or "").strip() or None
        if (element := response.found.get(names.CALENDAR_USER_ADDRESS_SET)) is not None:
            hrefs = (_calendar_user(href.text or "") for href in element.findall(names.HREF))
            addresses |= dict.fromkeys(href for href in hrefs if href)
    return home, tuple(addresses)


def _calendar_user(href: str) -> str:
    """E-mail addresses and URNs know no capitals; paths and URLs stay as they are."""
    plain = href.strip()
    lower = plain.lower()
    return lower.removeprefix("mailto:").strip() if lower.startswith(("mailto:", "urn:")) else plain


def exists(body: bytes | bytearray, *, base: str) -> bool:
    """Tell whether an answer about one resource says that it is there."""
    statuses = [response.status for response in responses(body, base)]
    if not statuses:
        raise NotUnderstood("empty_answer")
    return not GONE.issuperset(statuses)


def changes(body: bytes | bytearray, *, path: str, base: str) -> Page:
    """Read a page of a sync-collection report. The collection's own entry and sub-collections are left out.

    Raise TokenRefused where the answer is a refusal in the form of a multistatus.
    """
    changed: dict[str, str] = {}
    removed: set[str] = set()
    token, cut = "", False
    for part in read(body, base=base):
        if isinstance(part, NextToken):
            token = part.token
        elif paths.of_collection(part.path) == path:
            cut = cut or _collection_is_cut(part)
        elif _is_object(part, path):
            _note(part, changed, removed)
    if not token:
        raise NotUnderstood("no_sync_token")
    return Page(changed, frozenset(removed), token, cut)


def listing(body: bytes | bytearray, *, path: str, base: str) -> dict[str, str]:
    """ETags by href. Raise TooManyMatches if the server left some out."""
    members, itself = _members(body, path, base)
    if itself in GONE:
        raise TryLater(None, "incomplete_listing")
    return members


def contents(body: bytes | bytearray, *, path: str, base: str) -> dict[str, str] | None:
    """ETags by href of a whole calendar; None if it is not there.

    Raise NotUnderstood if the answer does not speak of the calendar itself.
    """
    members, itself = _members(body, path, base)
    if itself is None:
        raise NotUnderstood("empty_answer")
    return None if itself in GONE else members


def objects(
    body: bytes | bytearray, *, asked: frozenset[str], most: int, base: str
) -> dict[str, CalendarObject | Missing]:
    """Objects by href; what was asked and is not in the answer is not in the result. `most` bytes an object."""
    answered: dict[str, CalendarObject | Missing] = {}
    for response in responses(body, base):
        if response.path in asked:
            answered[response.path] = _object(response, most)
    return answered


def responses(body: bytes | bytearray, base: str) -> Iterator[Response]:
    """Read the responses alone."""
    return (part for part in read(body, base=base) if isinstance(part, Response))


def usable_etag(etag: str) -> str:
    """Return the ETag, or nothing where it could not be stored and sent back in a head."""
    return etag if etag.isascii() and etag.isprintable() and len(etag) <= _ETAG_LENGTH else ""


def _members(body: bytes | bytearray, path: str, base: str) -> tuple[dict[str, str], int | None]:
    """ETags by href, and how the collection itself is, if the answer speaks of it."""
    found: dict[str, str] = {}
    itself: int | None = None
    for response in responses(body, base):
        if response.status == _TRUNCATED:
            raise TooManyMatches
        if paths.of_collection(response.path) == path:
            itself = response.status or HTTPStatus.OK
            if itself not in GONE and unwell(response):
                raise TryLater(None, "incomplete_listing")
        elif _is_object(response, path) and response.status not in GONE:
            # An object the server has trouble with is listed all the same: fetching it tells more.
            found[response.path] = _etag(response)
    return found, itself


def _is_object(response: Response, calendar: str) -> bool:
    """Tell objects from sub-collections and unnamed entries. Raise NotUnderstood if it belongs to another calendar."""
    if response.path and not response.path.startswith(calendar):
        raise NotUnderstood("wrong_calendar")
    return not response.path.endswith("/") and response.path != ""


def unwell(response: Response) -> bool:
    """Tell whether the server could not say what this resource is. A 404 says that there is no such property."""
    if response.status is not None and not is_success(response.status):
        return True
    return any(status not in _ABSENT for name, status in response.failed.items() if name in _NEEDED)


def _collection_is_cut(response: Response) -> bool:
    if response.status == _TRUNCATED:
        return True
    if "valid-sync-token" in response.conditions or _is_refusal(response.status):
        raise TokenRefused
    if response.status is not None and not is_success(response.status):
        raise TryLater(None, "incomplete_changes")
    return False


def _is_refusal(status: int | None) -> bool:
    return status is not None and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def _note(response: Response, changed: dict[str, str], removed: set[str]) -> None:
    """Later entries of the same href replace earlier ones. Trouble with one object counts as a change of it."""
    if response.status in GONE:
        changed.pop(response.path, None)
        removed.add(response.path)
    else:
        removed.discard(response.path)
        changed[response.path] = _etag(response)


def _etag(response: Response) -> str:
    return usable_etag(response.text(names.ETAG) or "")


def _object(response: Response, most: int) -> CalendarObject | Missing:
    if response.status in GONE:
        return Missing(response.path, Absence.GONE)
    if response.status == HTTPStatus.FORBIDDEN:
        return Missing(response.path, Absence.REFUSED)
    data = response.found.get(names.CALENDAR_DATA)
    text = "" if data is None else (data.text or "")
    if not text.strip():
        return Missing(response.path, Absence.UNANSWERED)
    if len(text) > most or len(text.encode()) > most:
        return Missing(response.path, Absence.TOO_LARGE)
    return CalendarObject(response.path, _etag(response), text)
