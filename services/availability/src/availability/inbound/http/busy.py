"""When users are busy."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from availability.domain.busy import Busy
from availability.inbound.http.answers import Answer, CalendarAnswer
from availability.inbound.http.bodies import In, Out, User
from availability.inbound.http.callers import READ, Reader, Told, UserId, refused, whose
from availability.inbound.http.moments import End, Moment, SpanBody, Start, told_second, window
from availability.inbound.http.told import JSON, in_json, told_calendar, told_knowledge

router: Final = APIRouter(prefix="/v1", tags=["availability"])

_EXAMPLE: Final[dict[str, Any]] = {
    "busy": [{"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:30:00Z"}],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "known": {"start": "2026-03-01T00:56:12Z", "end": "2027-04-06T00:56:12Z"},
    "calendars": [{"id": "0f343b0931126a20f133d67c", "as_of": "2026-03-02T07:56:12Z", "state": "fresh"}],
}
_MOST_USERS: Final = 100


class BusyAnswer(Answer):
    """When a user is busy, and how well that is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    busy: list[SpanBody]
    """Sorted, without overlaps, cut to the time that was asked about. All of it while the account closes
    because a calendar could not be read for too long."""
    calendars: list[CalendarAnswer]


class BusyQuestion(In):
    """A question about several users."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_ids": ["u-4711", "u-4712"], "start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
            ]
        }
    )

    user_ids: Annotated[list[User], Field(min_length=1, max_length=_MOST_USERS)]
    start: Moment
    end: Moment


class BusyUsers(Out):
    """When each of several users is busy."""

    users: dict[str, BusyAnswer]
    """By their ids."""


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
    found = await stories.answers.busy(whose(caller, user_id), window(start, end))
    return Response(told_busy(found), media_type=JSON)


@router.post(
    "/busy",
    operation_id="busy_of_many",
    summary="When are several users busy?",
    response_model=BusyUsers,
    responses=refused(f"`{READ}`"),
)
async def busy_of_many(question: BusyQuestion, caller: Reader, stories: Told) -> Response:
    """The same for up to a hundred users of the account; a person's token may name its own user only."""
    everybody = [whose(caller, user_id).user_id for user_id in question.user_ids]
    asked = window(question.start, question.end)
    found = await stories.answers.busy_of(caller.account_id, everybody, asked)
    users = ",".join([f"{in_json(user_id)}:{told_busy(one)}" for user_id, one in found.items()])
    return Response(f'{{"users":{{{users}}}}}', media_type=JSON)


def told_busy(found: Busy) -> str:
    """A BusyAnswer in JSON. Its spans are written as they are told: by way of dictionaries they took twice the time."""
    known = found.freshness
    spans = ",".join([f'{{"start":"{told_second(start)}","end":"{told_second(end)}"}}' for start, end in found.spans])
    rest = in_json({**told_knowledge(known), "calendars": [told_calendar(one) for one in known.calendars]})
    return f'{{"busy":[{spans}],{rest[1:]}'
