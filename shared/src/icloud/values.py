"""What the client gives back. Paths and hrefs are percent-decoded (`icloud.paths`) and carry no host.

Apple's paths hold the account's number, so no `repr` shows a path, a name or a text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

UnsupportedReason = Literal["subscribed", "reminders"]


@dataclass(frozen=True, slots=True)
class Home:
    """Where an account's calendars live. `origin` always carries its port and may move; `path` ends with a slash."""

    principal: str = field(repr=False)
    origin: str
    path: str = field(repr=False)
    addresses: tuple[str, ...] = field(repr=False)
    """What the user is called among attendees: e-mail addresses in lower case without `mailto:`, `urn:uuid:…` in lower
    case, paths and URLs of the principal as the server writes them."""


@dataclass(frozen=True, slots=True)
class ListedCalendar:
    """One calendar of a home. `supported` is False exactly where `reason` says why."""

    path: str = field(repr=False)
    name: str = field(repr=False)
    color: str | None
    """`#RRGGBB` in capitals."""
    writable: bool
    supported: bool
    reason: UnsupportedReason | None
    shared: bool
    """Shared to this account by somebody else."""
    ctag: str | None = field(repr=False)
    token: str | None = field(repr=False)
    """Opaque; a missing `ctag` or `token` means: assume that the calendar has changed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to a calendar since a token; `token` may be kept once all of it is dealt with."""

    changed: Mapping[str, str] = field(repr=False)
    """ETag by href; an empty ETag where the server named none: fetch it, it equals nothing."""
    removed: frozenset[str] = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """One calendar object, its text exactly as the server stores it, at most 1 MB."""

    href: str = field(repr=False)
    etag: str
    text: str = field(repr=False)


class Absence(StrEnum):
    """Why an object that was asked for did not come."""

    GONE = "gone"
    UNANSWERED = "unanswered"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    """By the server; or by us, who never ask for a name that may lead anywhere."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An object that was asked for and did not come. Even `GONE` may be Apple's lag: it proves no deletion."""

    href: str = field(repr=False)
    why: Absence = Absence.UNANSWERED
