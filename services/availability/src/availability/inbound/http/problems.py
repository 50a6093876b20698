"""Refusals in the words of people: what happened, and what to do next."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from availability.application.refusals import (
    AlreadyCancelled,
    ChangedMeanwhile,
    KeyReused,
    KnowledgeTooOld,
    NoSuchAppointment,
    NoSuchBlockedSlot,
    SlotTaken,
)
from availability.application.timeline import AskLater
from availability.domain.blocked_slots import LONGEST_DAYS, SlotInvalid
from availability.inbound.http.moments import told_moment, told_span
from runtime.http import Problem
from runtime.http.conditions import quoted
from runtime.http.problems import MEDIA_TYPE, response
from runtime.http.refusals import refusal
from runtime.logs import get_logger

_log = get_logger("bookings")

Title = Mapping[str, str]

_NOTHING_HERE: Final[Title] = {"en": "There is nothing here.", "fr": "Il n'y a rien ici."}
REFUSALS: Final[Mapping[type[Exception], tuple[int, str, Title]]] = {
    SlotTaken: (
        409,
        "slot_taken",
        {
            "en": "This time is taken. Choose another one.",
            "fr": "Ce créneau est pris. Choisissez-en un autre.",
        },
    ),
    KnowledgeTooOld: (
        409,
        "knowledge_too_old",
        {
            "en": "The calendar could not be read recently enough. Nothing was booked; try again later, or accept "
            "older knowledge.",
            "fr": "Le calendrier n'a pas pu être lu assez récemment. Rien n'a été réservé ; réessayez plus tard, ou "
            "acceptez une lecture plus ancienne.",
        },
    ),
    AlreadyCancelled: (
        409,
        "appointment_cancelled",
        {
            "en": "This appointment was cancelled. Book a new one.",
            "fr": "Ce rendez-vous a été annulé. Prenez-en un nouveau.",
        },
    ),
    ChangedMeanwhile: (
        412,
        "changed_meanwhile",
        {
            "en": "This appointment was changed meanwhile. Look at it again before you change it.",
            "fr": "Ce rendez-vous a été modifié entre-temps. Consultez-le de nouveau avant de le modifier.",
        },
    ),
    KeyReused: (
        422,
        "idempotency_key_reused",
        {
            "en": "This Idempotency-Key was used for another request. Use a new one.",
            "fr": "Cette Idempotency-Key a servi à une autre demande. Utilisez-en une nouvelle.",
        },
    ),
    SlotInvalid: (
        422,
        "invalid_request",
        {
            "en": f"start must be before end, at most {LONGEST_DAYS} days apart, between 1970 and 2100.",
            "fr": f"start doit précéder end, de {LONGEST_DAYS} jours au plus, entre 1970 et 2100.",
        },
    ),
    NoSuchAppointment: (404, "not_found", _NOTHING_HERE),
    NoSuchBlockedSlot: (404, "not_found", _NOTHING_HERE),
    AskLater: (503, "temporarily_unavailable", {}),
}
"""Status, code and title of each. A stranger's object is not told from one that never was."""
_CLOSED: Final = (
    409,
    "slot_taken",
    {
        "en": "Nobody can be booked with this user at the moment: their calendars could not be read for too long. "
        "Try again later.",
        "fr": "Aucune réservation n'est possible avec cet utilisateur pour l'instant : ses calendriers n'ont pas pu "
        "être lus depuis trop longtemps. Réessayez plus tard.",
    },
)
"""Another time would help nobody."""


async def refuse(request: Request, error: Exception) -> Response:
    """The answer to a refusal."""
    if isinstance(error, AskLater):
        return response(request, refusal(503, {"Retry-After": "5"}))
    problem = _problem(error)
    _log.info("request_refused", code=problem.code)
    return response(request, problem)


def exemplified(responses: dict[int | str, dict[str, Any]], *refusals: Exception) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses`, with an example of each of these refusals."""
    examples: dict[int | str, dict[str, Any]] = {}
    for problem in (one if isinstance(one, Problem) else _problem(one) for one in refusals):
        said = {"type": "about:blank", "title": problem.title["en"], "status": problem.status, "code": problem.code}
        examples.setdefault(problem.status, {})[problem.code] = {"value": said | problem.extra}
    return responses | {
        status: responses[status] | {"content": {MEDIA_TYPE: {"examples": several}}}
        for status, several in examples.items()
    }


def if_match_needed() -> Problem:
    """RFC 6585, 3: whoever changes an appointment must say which revision they have seen."""
    return Problem(
        428,
        "if_match_required",
        {
            "en": "Say in If-Match which revision you have seen: the ETag of the appointment.",
            "fr": "Indiquez dans If-Match la révision que vous avez vue : l'ETag du rendez-vous.",
        },
    )


def _problem(error: Exception) -> Problem:
    closed = isinstance(error, SlotTaken) and error.rule is not None
    status, code, title = _CLOSED if closed else REFUSALS[type(error)]
    return Problem(status, code, title, headers=_headers(error), extra=_extra(error))


def _headers(error: Exception) -> dict[str, str]:
    return {"ETag": quoted(str(error.appointment.revision))} if isinstance(error, ChangedMeanwhile) else {}


def _extra(error: Exception) -> dict[str, Any]:
    if isinstance(error, SlotTaken):
        reason = {} if error.rule is None else {"reason": error.rule.value}
        return {"conflicts": [told_span(span) for span in error.taken], **reason}
    if isinstance(error, KnowledgeTooOld):
        return {"as_of": told_moment(error.known.as_of), "state": error.known.state.value}
    return {}
