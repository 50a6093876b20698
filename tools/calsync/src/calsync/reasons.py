"""Why a user's time is taken or open."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import jwt
from pydantic import SecretStr, TypeAdapter, ValidationError

from calsync.ends import End, Misuse
from calsync.http import ask
from calsync.session import Session
from calsync.settings import Availability

_SHOWN: Final = ("kind", "start", "end", "rule", "reason", "calendar_id", "id")
"""Titles are not among them, whoever may see them."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LENGTH: Final = TypeAdapter(timedelta)


async def why(session: Session, user_id: str, span: str) -> End:
    """What availability says."""
    start, end = span_of(span)
    settings = session.load(Availability)
    url = f"{settings.availability.url}/v1/users/{quote(user_id, safe='')}/why"
    params = {"start": _rfc3339(start), "end": _rfc3339(end)}
    _, found = await ask("GET", url, settings.caller.token, params=params)
    session.tell(
        account_id=account_of(settings.caller.token),
        start=start,
        end=end,
        state=found.get("state"),
        as_of=found.get("as_of"),
        blocking=[_row(one) for one in found.get("blocking", ())],
        ignored=[_row(one) for one in found.get("ignored", ())],
        more=found.get("more", []),
        calendars=[{name: one.get(name) for name in ("id", "state", "as_of")} for one in found.get("calendars", ())],
    )
    return End.OK


def account_of(token: SecretStr) -> str | None:
    """Whose users are asked about, by what the token itself says; None where it does not.

    Only availability can tell whether the token is to be believed. This is for somebody who took the wrong one: to it
    a user of another account is one who never connected anything.
    """
    try:
        claims = jwt.decode(token.get_secret_value(), options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    return str(claims["account_id"]) if "account_id" in claims else None


def span_of(text: str) -> tuple[datetime, datetime]:
    """`2026-03-02` (that day, UTC), `START/END` or `START/DURATION` as ISO 8601 writes them. Raises Misuse."""
    first, _, second = text.partition("/")
    try:
        if not second:
            if not _DAY.fullmatch(first):
                raise Misuse(_EXPECTED)
            day = datetime.fromisoformat(first).replace(tzinfo=UTC)
            return day, day + timedelta(days=1)
        start = _moment(first)
        end = start + _LENGTH.validate_python(second) if second.startswith("P") else _moment(second)
    except (ValueError, ValidationError, OverflowError) as error:
        raise Misuse(_EXPECTED) from error
    if end <= start:
        raise Misuse("SPAN ends before it begins.")
    return start, end


_EXPECTED: Final = (
    "SPAN is a day as UTC has it (2026-03-02), or a start and an end or a duration "
    "(2026-03-02T09:00Z/2026-03-02T17:00Z, 2026-03-02T09:00+01:00/PT8H)."
)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("which zone?")
    return moment.astimezone(UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one.get(name) for name in _SHOWN}
