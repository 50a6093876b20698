"""The HTTP interface."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Query
from fastapi.exceptions import HTTPException
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from availability.application.answer import AnswerBusy
from availability.application.timeline import AskLater
from availability.domain.busy import Busy
from availability.domain.freshness import State
from availability.domain.intervals import LONGEST_WINDOW_DAYS, Window, WindowInvalid
from runtime.auth import Caller
from runtime.http import Problem, install

SCOPE: Final = "availability:read"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_WINDOW_TITLE: Final = {
    "en": f"start must be before end, at most {LONGEST_WINDOW_DAYS} days apart, and both between 1970 and 9999.",
    "fr": f"start doit précéder end, de {LONGEST_WINDOW_DAYS} jours au plus, et les deux se situer entre 1970 et 9999.",
}
_EXAMPLE: Final[dict[str, Any]] = {
    "busy": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:30:00Z"}],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "calendars": [{"id": "0f343b0931126a20f133d67c", "as_of": "2026-03-02T07:56:12Z", "state": "fresh"}],
}


class BusySpan(BaseModel):
    """A half-open span [start, end)."""

    start: AwareDatetime
    end: AwareDatetime


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

    busy: list[BusySpan]
    """Sorted, without overlaps, cut to the time that was asked about."""
    as_of: AwareDatetime | None
    """Up to when all calendars were read: the moment of the oldest; null while one of them never was."""
    state: State
    """The worst of the calendars' states; `not_connected` where the user has no calendars connected."""
    calendars: list[CalendarAnswer]


def _written_out(value: object) -> object:
    """Keep out pydantic's other spellings of a moment, bare numbers above all."""
    if not isinstance(value, str) or "-" not in value[1:]:
        raise ValueError("not RFC 3339")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
WhoAsks = Callable[[Request], Awaitable[Caller]]


def application(answer_busy: AnswerBusy, caller_of: WhoAsks) -> FastAPI:
    """The whole interface; `caller_of` tells who asks, or refuses."""
    app = FastAPI(
        title="CrocoClick availability",
        version="1",
        summary="When are users busy, and how well do we know it?",
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(_routes(answer_busy, caller_of))
    install(app)
    return app


def _routes(answer_busy: AnswerBusy, caller_of: WhoAsks) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get(
        "/users/{user_id}/busy",
        operation_id="busy",
        summary="When is a user busy?",
        response_model=BusyAnswer,
        responses={
            401: {"description": "No token, or not a valid one"},
            403: {"description": f"The token lacks the scope `{SCOPE}`"},
            404: {"description": "A person's token names another user"},
            422: {"description": "start or end is missing or makes no sense"},
            503: {"description": "The answer cannot be had at the moment"},
        },
    )
    async def busy(
        caller: Annotated[Caller, Depends(caller_of)],
        user_id: Annotated[str, Path(max_length=128, examples=["u-4711"])],
        start: Annotated[Moment, Query(description="RFC 3339", examples=["2026-03-02T00:00:00Z"])],
        end: Annotated[
            Moment, Query(description="RFC 3339, at most 92 days after start", examples=["2026-03-09T00:00:00Z"])
        ],
    ) -> Response:
        """Merged and sorted busy spans of the user between `start` and `end`.

        A person's token may name its own user only, a service's token any user of its account.
        """
        if not caller.may_act_for(user_id):
            raise HTTPException(404)
        try:
            found = await answer_busy(caller.account_id, user_id, _window(start, end))
        except AskLater:
            raise HTTPException(503, headers={"Retry-After": "5"}) from None
        return Response(json.dumps(_told(found), separators=(",", ":")), media_type="application/json")

    return router


def _window(start: datetime, end: datetime) -> Window:
    """Whole seconds that hold all of [start, end)."""
    try:
        return Window((start - _EPOCH) // _SECOND, -((_EPOCH - end) // _SECOND))
    except WindowInvalid:
        raise Problem(422, "invalid_request", _WINDOW_TITLE) from None


def _told(found: Busy) -> dict[str, Any]:
    known = found.freshness
    return {
        "busy": [{"start": _moment(start), "end": _moment(end)} for start, end in found.spans],
        "as_of": _utc(known.as_of),
        "state": known.state,
        "calendars": [{"id": one.id, "as_of": _utc(one.as_of), "state": one.state} for one in known.calendars],
    }


def _moment(seconds: int) -> str:
    return _written(datetime.fromtimestamp(seconds, UTC))


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else _written(moment.astimezone(UTC))


def _written(utc: datetime) -> str:
    """RFC 3339 with `Z`; isoformat takes a third of strftime's time."""
    return f"{utc.isoformat()[:19]}Z"
