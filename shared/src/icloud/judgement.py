"""From a refusal to what the caller must do: one pure function over status, preconditions, host and step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

from icloud.errors import (
    CalendarGone,
    CalendarNotEnabled,
    CredentialsRejected,
    Forbidden,
    ICloudError,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
    TryLater,
)
from icloud.wire.answers import TooManyMatches


class Step(Enum):
    """What was asked for."""

    PRINCIPAL = auto()
    HOME_SET = auto()
    CALENDARS = auto()
    EXISTENCE = auto()
    CHANGES = auto()
    LISTING = auto()
    OBJECTS = auto()
    GET = auto()
    PUT = auto()
    DELETE = auto()


class Host(Enum):
    """Who answered, as far as it matters for a 401."""

    ENTRY = auto()
    HOME = auto()
    OTHER = auto()


class DoubtfulToken(TokenDead):
    """The refusal may also mean that the calendar is gone or closed to us: look at the calendar first."""


class DoubtfulCalendar(CalendarGone):
    """The refusal may also mean that the object is no good: look at the calendar first."""


class Misdirected(TryLater):
    """This host does not serve this account (RFC 9110 §15.5.20): ask the entry host where it lives now."""

    def __init__(self) -> None:
        super().__init__(None, "misdirected")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not the expected one. `conditions` are the preconditions its body names."""

    status: int
    conditions: frozenset[str] = frozenset()
    retry_after: timedelta | None = None
    names_another: bool = False
    """A Location header came with it: iCloud's hint at the object that already holds the UID."""


RETRY_AFTER_LEAST = timedelta(seconds=60)  # iCloud throttles for longer than it says
RETRY_AFTER_MOST = timedelta(hours=2)

_THROTTLED = frozenset({408, 425, 429})
_FOR_GOOD = frozenset({501, 505, 507})  # 5xx that repeating does not change
_TOO_MUCH = frozenset({413, 507})
_GONE = frozenset({404, 410})
_READS = frozenset({Step.CHANGES, Step.LISTING, Step.OBJECTS})
_DEAD_TOKEN = frozenset({400, 403, 404, 409, 410, 412})
_BAD_REQUEST = frozenset({400, 413, 415, 422})
_NO_PARENT = frozenset({404, 409, 410})  # 409: RFC 4918 §9.7.1
_UID_CONFLICT = frozenset({"no-uid-conflict", "unique-scheduling-object-resource"})
_BAD_OBJECT = frozenset(
    {
        "valid-calendar-data",
        "valid-calendar-object-resource",
        "valid-timezone",
        "supported-calendar-component",
        "supported-calendar-data",
        "max-resource-size",
        "max-instances",
        "min-date-time",
        "max-date-time",
    }
)


def judged(step: Step, host: Host, refusal: Refusal) -> ICloudError:
    """Return the error that tells the caller what to do."""
    status = refusal.status
    if status == HTTPStatus.UNAUTHORIZED:
        return TryLater(None, "unexpected_401") if host is Host.OTHER else CredentialsRejected()
    if status == HTTPStatus.MISDIRECTED_REQUEST:
        return Misdirected()
    if status in _THROTTLED or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _FOR_GOOD):
        return TryLater(refusal.retry_after, f"status_{status}")
    if status < HTTPStatus.BAD_REQUEST:
        # iCloud's web front says 200 with a page, a redirect may lead nowhere: neither answers the question.
        return NotUnderstood(f"status_{status}")
    return _OF_STEP.get(step, _of_discovery)(step, refusal)


def _of_discovery(step: Step, refusal: Refusal) -> ICloudError:
    if refusal.status in _GONE:
        if step is Step.CALENDARS:
            return CalendarNotEnabled()
        return CalendarGone() if step is Step.EXISTENCE else NotUnderstood("no_principal")
    return Forbidden() if refusal.status == HTTPStatus.FORBIDDEN else NotUnderstood(f"status_{refusal.status}")


def _of_read(step: Step, refusal: Refusal) -> ICloudError:
    if refusal.status in _TOO_MUCH or "number-of-matches-within-limits" in refusal.conditions:
        return TooManyMatches()
    if step is Step.CHANGES and "valid-sync-token" in refusal.conditions:
        return TokenDead()
    if step is Step.CHANGES and refusal.status in _DEAD_TOKEN:
        return DoubtfulToken()
    if refusal.status in _GONE:
        return CalendarGone()
    return Forbidden() if refusal.status == HTTPStatus.FORBIDDEN else NotUnderstood(f"status_{refusal.status}")


def _of_write(step: Step, refusal: Refusal) -> ICloudError:
    status, conditions = refusal.status, refusal.conditions
    if not conditions.isdisjoint(_UID_CONFLICT) or (
        status == HTTPStatus.FORBIDDEN and step is Step.PUT and refusal.names_another
    ):
        return PreconditionFailed("uid_conflict")
    if status == HTTPStatus.INSUFFICIENT_STORAGE or "quota-not-exceeded" in conditions:
        return Forbidden("storage_full")
    if not conditions.isdisjoint(_BAD_OBJECT) or status in _BAD_REQUEST:
        return NotUnderstood("object_refused")
    if status == HTTPStatus.PRECONDITION_FAILED:
        return PreconditionFailed()
    if status in _NO_PARENT:
        return DoubtfulCalendar()
    return Forbidden() if status == HTTPStatus.FORBIDDEN else NotUnderstood(f"status_{status}")


_OF_OBJECTS = frozenset({Step.GET, Step.PUT, Step.DELETE})
_OF_STEP = dict.fromkeys(_READS, _of_read) | dict.fromkeys(_OF_OBJECTS, _of_write)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Read Retry-After in both forms (RFC 9110 §10.2.3), clamped to 60 s … 2 h; None if absent or unreadable.

    A date is measured against the answer's own Date, so that nobody's clock matters.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdecimal():
        wait = timedelta(seconds=min(int(asked[:9]), RETRY_AFTER_MOST.total_seconds()))
    else:
        try:
            wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)
