"""When users are busy."""

import json
from typing import Any, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response

from availability.domain.busy import Busy
from availability.domain.freshness import State
from availability.inbound.http.callers import READ, Reader, Told, UserId, refused, whose
from availability.inbound.http.moments import End, SpanBody, Start, told_moment, told_span, window

router: Final = APIRouter(prefix="/v1", tags=["availability"])

_EXAMPLE: Final[dict[str, Any]] = {
    "busy": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:30:00Z"}],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "calendars": [{"id": "0f343b0931126a20f133d67c", "as_of": "2026-03-02T07:56:12Z", "state": "fresh"}],
}


class CalendarAnswer(BaseModel):
    """How well one conflict calendar is known."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    as_of: AwareDatetime | None
    """Up to when it was read; null before the first time."""
    state: State


class BusyAnswer(BaseModel):
    """When a user is busy, and how well that is known."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [_EXAMPLE]})

    busy: list[SpanBody]
    """Sorted, without overlaps, cut to the time that was asked about."""
    as_of: AwareDatetime | None
    """Up to when all calendars were read: the moment of the oldest; null while one of them never was."""
    state: State
    """The worst of the calendars' states; `not_connected` where the user has no calendars connected."""
    calendars: list[CalendarAnswer]


@router.get(
    "/users/{user_id}/busy",
    operation_id="busy",
    summary="When is a user busy?",
    response_model=BusyAnswer,
    responses=refused(f"`{READ}`"),
)
async def busy(caller: Reader, user_id: UserId, start: Start, end: End, stories: Told) -> Response:
    """Merged and sorted busy spans of the user between `start` and `end`.

    A person's token may name its own user only, a service's token any user of its account.
    """
    found = await stories.busy(*whose(caller, user_id), window(start, end))
    return Response(json.dumps(_told(found), separators=(",", ":")), media_type="application/json")


def _told(found: Busy) -> dict[str, Any]:
    known = found.freshness
    return {
        "busy": [told_span(span) for span in found.spans],
        "as_of": told_moment(known.as_of),
        "state": known.state,
        "calendars": [{"id": one.id, "as_of": told_moment(one.as_of), "state": one.state} for one in known.calendars],
    }
