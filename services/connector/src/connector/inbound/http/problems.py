"""Refusals as answers over HTTP, and as documentation."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from connector.application.refusals import ChoiceOutdated, NobodyToAsk, TooManyAttempts, TooMuchUntold, TooSoon
from connector.inbound.http.bodies import rfc3339
from connector.inbound.http.refusals import (
    MALFORMED,
    REFUSALS,
    UNAVAILABLE,
    USER_ID_NEEDED,
    Field,
)
from icloud import NotUnderstood, TryLater
from runtime.http import Problem
from runtime.http.conditions import quoted
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

_AGAIN: Final = {"Retry-After": "10"}
"""After as many seconds a database or a broker that changed its leader is back."""
_ONCE_TOLD: Final = {"Retry-After": "120"}
"""A broker that is away for long takes minutes."""

_ALMOST_A_SECOND: Final = timedelta(microseconds=999_999)

_log = get_logger(__name__)


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Let refusals out as the problems that they are to the caller; a database that is away is one, too."""
    try:
        yield
    except tuple(REFUSALS) as refusal:
        status, code, title = next(said for kind, said in REFUSALS.items() if isinstance(refusal, kind))
        _tell(refusal, code)
        raise Problem(status, code, title, headers=_headers(refusal), extra=_extra(refusal)) from refusal
    except Exception as error:
        if not is_infrastructure(error):
            raise
        _log.warning("request_met_no_database", error=type(error).__name__)
        raise Problem(*UNAVAILABLE, headers=_AGAIN) from error


def malformed(field: Field, language: str) -> Problem:
    """What was typed into `field` cannot be right; nobody was asked."""
    title = MALFORMED[field]
    errors = [{"field": f"body.{field}", "message": title[language]}]
    return Problem(422, "credentials_malformed", title, extra={"errors": errors})


def user_id_needed() -> Problem:
    """A service must say whose connections it asks for."""
    return Problem(*USER_ID_NEEDED)


def documented(*refusals: type[Exception] | Problem) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these refusals, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        problem = refusal if isinstance(refusal, Problem) else Problem(*REFUSALS[refusal])
        by_status.setdefault(problem.status, {})[problem.code] = {"value": _example(problem)}
    return {
        status: {
            "description": " or ".join(f"`{code}`" for code in examples),
            "content": {"application/problem+json": {"examples": examples}},
        }
        for status, examples in by_status.items()
    }


def _example(problem: Problem) -> dict[str, Any]:
    body = {"type": "about:blank", "title": problem.title["en"], "status": problem.status, "code": problem.code}
    return body | problem.extra


def _tell(refusal: Exception, code: str) -> None:
    """One line per outcome; what Apple's answer was, where it was, in a short word of ours."""
    reason = getattr(refusal, "reason", None)
    if isinstance(refusal, NotUnderstood):
        _log.error("icloud_not_understood", reason=reason)
    else:
        _log.info("request_refused", code=code, reason=reason)


def _headers(refusal: Exception) -> dict[str, str]:
    if isinstance(refusal, TryLater | TooSoon | TooManyAttempts) and refusal.after is not None:
        return {"Retry-After": str(math.ceil(refusal.after.total_seconds()))}
    if isinstance(refusal, ChoiceOutdated):
        return {"ETag": quoted(refusal.now)}
    if isinstance(refusal, TooMuchUntold):
        return _ONCE_TOLD
    return _AGAIN if isinstance(refusal, NobodyToAsk) else {}


def _extra(refusal: Exception) -> dict[str, object]:
    # Up to the next whole second: a moment too early would be refused again.
    return {"until": rfc3339(refusal.until + _ALMOST_A_SECOND)} if isinstance(refusal, TooManyAttempts) else {}
