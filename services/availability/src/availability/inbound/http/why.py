"""Why a time is taken or open, as it is and as it would be."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from availability.domain.blocking import AllDayRule, Rule
from availability.domain.preview import CalendarPreview
from availability.domain.why import Kind, Reason, Why
from availability.inbound.http.answers import Answer, CalendarAnswer
from availability.inbound.http.bodies import In, Out
from availability.inbound.http.callers import READ, Reader, Told, UserId, refused, whose
from availability.inbound.http.moments import End, Moment, Start, told_span, window
from availability.inbound.http.told import answer, told_calendar, told_knowledge

router: Final = APIRouter(prefix="/v1", tags=["availability"])

_EXAMPLE: Final[dict[str, Any]] = {
    "blocking": [
        {
            "kind": "event",
            "start": "2026-03-02T08:00:00Z",
            "end": "2026-03-02T09:30:00Z",
            "calendar_id": "0f343b0931126a20f133d67c",
            "id": "5d41402abc4b2a76b9719d91",
            "rule": "busy",
        }
    ],
    "ignored": [],
    "as_of": "2026-03-02T07:56:12Z",
    "state": "fresh",
    "known": {"start": "2026-03-01T00:56:12Z", "end": "2027-04-06T00:56:12Z"},
    "calendars": [{"id": "0f343b0931126a20f133d67c", "as_of": "2026-03-02T07:56:12Z", "state": "fresh"}],
}
Side = Literal["blocking", "ignored"]
_NO_TIME: Final = {"start": None, "end": None}


class ReasonBody(Out):
    """One thing that touches the time, with the rule that decided."""

    kind: Kind
    start: AwareDatetime | None
    """Whole, also where it lies outside of what was asked; null where nobody can tell the time."""
    end: AwareDatetime | None
    calendar_id: str | None
    id: str | None
    """Of the event, the appointment, the blocked slot."""
    rule: Rule
    title: str | None = None
    """Of an imported event: only for the user in person, and where they let titles leave iCloud."""
    reason: str | None = None
    """In a word, where the rule does not say it all: why something cannot be read, or why removals are doubted."""


class WhyAnswer(Answer):
    """What makes a user busy, and what was seen and ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    blocking: list[ReasonBody]
    """By their start, a thousand at most (`more`). Merged and cut to the time that was asked about, all of it is what
    `busy` answers."""
    ignored: list[ReasonBody]
    """What touches the time and leaves it open, and what we know not to know of it; a thousand at most."""
    calendars: list[CalendarAnswer]
    more: list[Side] = Field(default_factory=list)
    """Only there where more touches the time: which of the two tell their first thousand only. A shorter time has
    less."""


class ChosenCalendar(In):
    """A conflict calendar of a setup."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    all_day: AllDayRule = AllDayRule.AS_MARKED


def _each_once(named: list[ChosenCalendar]) -> list[ChosenCalendar]:
    if len({one.id for one in named}) != len(named):
        raise PydanticCustomError("named_twice", "a calendar is named twice")
    return named


class PreviewSetup(In):
    """What of a setup decides about busy time."""

    conflict_calendars: Annotated[list[ChosenCalendar], Field(max_length=500), AfterValidator(_each_once)]
    """Each once."""


class PreviewQuestion(In):
    """A setup to try."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "start": "2026-03-02T00:00:00Z",
                    "end": "2026-03-09T00:00:00Z",
                    "setup": {"conflict_calendars": [{"id": "0f343b0931126a20f133d67c", "all_day": "always_block"}]},
                }
            ]
        }
    )

    start: Moment
    end: Moment
    setup: PreviewSetup


class PreviewCalendar(CalendarAnswer):
    """One calendar of the setup to try."""

    known: bool
    """Whether it is read so far; of others nothing is known before they are chosen."""
    all_day_marked_free: int | None
    """So many all-day events ahead, as far as we read, are marked free: they block under `always_block` alone.
    null where the calendar is not known."""


class PreviewAnswer(WhyAnswer):
    """What `why` would answer."""

    calendars: list[PreviewCalendar]  # type: ignore[assignment]  # each says more than a CalendarAnswer


@router.get(
    "/users/{user_id}/why",
    operation_id="why",
    summary="Why is a time taken, or open?",
    response_model=WhyAnswer,
    responses=refused(f"`{READ}`"),
)
async def why(caller: Reader, user_id: UserId, start: Start, end: End, stories: Told) -> Response:
    """Everything that touches the time between `start` and `end`, each with the rule that decided."""
    user = whose(caller, user_id)
    found = await stories.answers.why(user, window(start, end), titles=not caller.service)
    return answer({**_told(found), "calendars": [told_calendar(one) for one in found.freshness.calendars]})


@router.post(
    "/users/{user_id}/preview",
    operation_id="preview",
    summary="What would another setup make of a time?",
    response_model=PreviewAnswer,
    responses=refused(f"`{READ}`"),
)
async def preview(question: PreviewQuestion, caller: Reader, user_id: UserId, stories: Told) -> Response:
    """What `why` would answer if these were the user's conflict calendars. Nothing is changed; titles are left out."""
    choice = {one.id: one.all_day for one in question.setup.conflict_calendars}
    asked = window(question.start, question.end)
    found = await stories.answers.preview(whose(caller, user_id), asked, tuple(choice.items()))
    return answer({**_told(found.why), "calendars": [_told_preview(one) for one in found.calendars]})


def _told(found: Why) -> dict[str, Any]:
    sides: dict[Side, bool] = {"blocking": found.more_blocking, "ignored": found.more_ignored}
    more = [side for side, goes_on in sides.items() if goes_on]
    return {
        "blocking": [_told_reason(reason) for reason in found.blocking],
        "ignored": [_told_reason(reason) for reason in found.ignored],
        **told_knowledge(found.freshness),
        **({"more": more} if more else {}),
    }


def _told_reason(reason: Reason) -> dict[str, Any]:
    said = {"title": reason.title, "reason": reason.why}
    return {
        "kind": reason.kind,
        **(_NO_TIME if reason.span is None else told_span(reason.span)),
        "calendar_id": reason.calendar_id,
        "id": reason.id,
        "rule": reason.rule,
        **{name: words for name, words in said.items() if words is not None},
    }


def _told_preview(one: CalendarPreview) -> dict[str, Any]:
    return {**told_calendar(one.freshness), "known": one.known, "all_day_marked_free": one.all_day_marked_free}
