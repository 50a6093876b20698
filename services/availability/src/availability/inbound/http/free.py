"""When users can be booked."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict
from starlette.responses import Response

from availability.application.answer import Need
from availability.domain.freetime import MOST_STARTS, TooManyStarts
from availability.domain.intervals import LONGEST_WINDOW_DAYS, Window
from availability.inbound.http.answers import Answer
from availability.inbound.http.callers import READ, Reader, Told, UserId, refused, whose
from availability.inbound.http.moments import End, SpanBody, Start, WrittenDuration, inside, lasting, told_span
from availability.inbound.http.told import answer, told_knowledge
from runtime.http import Problem

router: Final = APIRouter(prefix="/v1", tags=["availability"])

_EXAMPLE: Final[dict[str, Any]] = {
    "free": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T08:45:00Z"}],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "known": {"start": "2026-03-01T00:56:12Z", "end": "2027-04-06T00:56:12Z"},
}
_TOO_MANY: Final = {
    "en": f"This step gives more than {MOST_STARTS} starts. Ask about less time, or in larger steps.",
    "fr": f"Ce pas donne plus de {MOST_STARTS} débuts. Demandez une période plus courte ou un pas plus grand.",
}
_LENGTHS: Final = {
    "en": "duration and step must be whole seconds.",
    "fr": "duration et step doivent être des secondes entières.",
}
_LONGEST: Final = f"P{LONGEST_WINDOW_DAYS}D"

Duration = Annotated[
    timedelta,
    WrittenDuration,
    lasting("PT1S", _LONGEST),
    Query(description="ISO 8601 without months and years; room before and after is part of it", examples=["PT45M"]),
]
Step = Annotated[
    timedelta,
    WrittenDuration,
    lasting("PT1M", _LONGEST),
    Query(
        description="ISO 8601 without months and years; asks for bookable times on a grid that begins at start",
        examples=["PT15M"],
    ),
]


class FreeAnswer(Answer):
    """When a user can be booked, and how well that is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    free: list[SpanBody]
    """Sorted. Without `step`: open time, each span as long as it is. With it: every [t, t + duration) that is open,
    t being `start` or any number of steps after it; these may overlap each other."""


async def _asked(start: Start, end: End) -> Window:
    return inside(start, end)


async def _need(duration: Duration, step: Step | None = None) -> Need:
    return Need(_seconds(duration), None if step is None else _seconds(step))


@router.get(
    "/users/{user_id}/free",
    operation_id="free",
    summary="When can a user be booked?",
    response_model=FreeAnswer,
    responses=refused(f"`{READ}`"),
)
async def free(
    caller: Reader,
    user_id: UserId,
    asked: Annotated[Window, Depends(_asked)],
    need: Annotated[Need, Depends(_need)],
    stories: Told,
) -> Response:
    """What `busy` leaves open between `start` and `end`, where it lasts for `duration` at least."""
    try:
        found = await stories.answers.free(whose(caller, user_id), asked, need)
    except TooManyStarts:
        raise Problem(422, "invalid_request", _TOO_MANY) from None
    return answer({"free": [told_span(span) for span in found.spans], **told_knowledge(found.freshness)})


def _seconds(length: timedelta) -> int:
    if length.microseconds:
        raise Problem(422, "invalid_request", _LENGTHS)
    return length // timedelta(seconds=1)
