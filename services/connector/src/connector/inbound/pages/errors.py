"""What is wrong with a form: which field, in words, never what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from connector.inbound.http.refusals import MALFORMED, Field
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.moments import Moments
from runtime.http import Problem

_FIELDS: Final[Mapping[str, str]] = {
    "access_read_only": "linked_calendar_id",
    "apple_account_in_use": "apple_id",
    "apple_id_needed": "apple_id",
    "calendar_not_writable": "linked_calendar_id",
    "calendar_unsupported": "conflict_calendars",
    "credentials_rejected": "app_password",
    "different_apple_account": "app_password",
    "icloud_calendar_not_enabled": "apple_id",
    "unknown_calendar": "conflict_calendars",
    "unknown_time_zone": "time_zone",
}
"""Where on a page a refusal is to be mended; the others are about no field."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A sentence, and the field that it is about; None: the form as a whole."""

    field: str | None
    message: str


def malformed(field: Field, typed: str, words: Words) -> Mistake:
    """What was typed into `field` cannot be right, or nothing was; nobody was asked."""
    return Mistake(field, malformed_words(words)[field] if typed.strip() else words(f"form.empty.{field}"))


def malformed_words(words: Words) -> Mapping[Field, str]:
    """What is said of each field where what was typed cannot be right. A zone is no name of the database to people."""
    said = {field: words.said(title) for field, title in MALFORMED.items()}
    return said | {"time_zone": words("form.unknown_time_zone")}


def refused(problem: Problem, moments: Moments) -> Mistake:
    """A refusal in the words that the API has for it; too many attempts also name the time of the next."""
    words, seconds = moments.words, problem.headers.get("Retry-After", "")
    if problem.code == "too_many_attempts" and seconds.isdecimal():
        until = moments.until(moments.now + timedelta(seconds=int(seconds)))
        return Mistake(None, words("refusal.too_many_attempts", until=until))
    if problem.code == "unknown_time_zone":
        return malformed("time_zone", problem.code, words)
    return Mistake(_FIELDS.get(problem.code), words.said(problem.title))


def told_when(problem: Problem, response: Response) -> Response:
    """The form that a refusal led to, with the refusal's own headers: when it may be sent again, above all."""
    response.headers.update(problem.headers)
    return response
