"""What goes out, put into words."""

from json import JSONEncoder
from typing import Any, Final

from starlette.responses import Response

from availability.application.bookings import Shown
from availability.domain.changes import WhenStale
from availability.domain.exports import Export
from availability.domain.freshness import CalendarFreshness, Freshness
from availability.domain.intervals import Window, clipped
from availability.inbound.http.moments import told_moment, told_span

JSON: Final = "application/json"
_ENCODER: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` makes one for each text that is not written its own way."""


def answer(body: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A body that was made here needs no second look."""
    return Response(written(body), status, headers, media_type=JSON)


def written(body: dict[str, Any]) -> bytes:
    """JSON as it goes out."""
    return in_json(body).encode()


def in_json(part: object) -> str:
    """A part of a body."""
    return _ENCODER.encode(part)


def etag(shown: Shown) -> dict[str, str]:
    """The revision, as RFC 9110 writes it."""
    return {"ETag": f'"{shown.appointment.revision}"'}


def told_knowledge(known: Freshness) -> dict[str, Any]:
    """How well a user's calendars are known, as every answer about their time says it."""
    warned = {"warning": "stale"} if known.consequence is WhenStale.WARN else {}
    told = {} if known.known is None else {"known": told_span(known.known)}
    return {"as_of": told_moment(known.as_of), "state": known.state, **told, **warned}


def told_calendar(known: CalendarFreshness) -> dict[str, Any]:
    """How well one calendar is known."""
    return {"id": known.id, "as_of": told_moment(known.as_of), "state": known.state}


def told_appointment(shown: Shown) -> dict[str, Any]:
    """An AppointmentBody."""
    appointment = shown.appointment
    agreed = appointment.agreed
    return {
        "id": appointment.id,
        "user_id": appointment.user.user_id,
        **told_span(agreed.span),
        "title": agreed.title,
        "location": agreed.location,
        "notes": agreed.notes,
        "state": appointment.standing,
        "revision": appointment.revision,
        "created_at": told_moment(appointment.created_at),
        "updated_at": told_moment(appointment.updated_at),
        # Those of the time before it was moved are told as over with the next sweep.
        "conflicts": [told_span(span) for span in clipped(appointment.conflicts, Window(*agreed.span))],
        "export": _export(shown.export),
        "knowledge": {"as_of": told_moment(shown.as_of), "state": shown.state},
        "history": [
            {
                "revision": line.revision,
                "what": line.what,
                "at": told_moment(line.act.at),
                "by": line.act.by,
                **told_span(line.span),
            }
            for line in appointment.history
        ],
    }


def _export(export: Export) -> dict[str, Any]:
    change = export.change
    if change is None:
        changed = None
    else:
        moved = {"start": None, "end": None} if change.span is None else told_span(change.span)
        changed = {"change": change.kind, **moved}
    return {"state": export.state, "reason": export.reason, "changed_in_icloud": changed, "at": told_moment(export.at)}
