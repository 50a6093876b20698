"""Moments and lengths of time, in and out."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from availability.domain.intervals import LATEST_TAKEN, LONGEST_WINDOW_DAYS, Span, Window, WindowInvalid
from runtime.http import Problem

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_DURATION: Final = TypeAdapter(timedelta)
_DAY_SECONDS: Final = 24 * 60 * 60
WINDOW_TITLE: Final = {
    "en": f"start must be before end, at most {LONGEST_WINDOW_DAYS} days apart, and both between 1970 and 9999.",
    "fr": f"start doit précéder end, de {LONGEST_WINDOW_DAYS} jours au plus, et les deux se situer entre 1970 et 9999.",
}
BOOKABLE_TITLE: Final = {
    "en": f"start must be before end, at most {LONGEST_WINDOW_DAYS} days apart, and both between 1970 and 2100.",
    "fr": f"start doit précéder end, de {LONGEST_WINDOW_DAYS} jours au plus, et les deux se situer entre 1970 et 2100.",
}
_SECONDS_TITLE: Final = {
    "en": "start and end must be whole seconds.",
    "fr": "start et end doivent être des secondes entières.",
}


def _written_out(value: object) -> object:
    """Keep out pydantic's other spellings of a moment, bare numbers above all."""
    if not isinstance(value, str) or "-" not in value[1:]:
        raise PydanticCustomError("datetime_parsing", "not RFC 3339")
    return value


def _iso_duration(value: object) -> object:
    """Keep out pydantic's other spellings of a duration, bare numbers above all, and what has no certain length."""
    days = value.upper().partition("T")[0] if isinstance(value, str) else ""
    if not days.startswith("P") or "M" in days or "Y" in days:
        raise PydanticCustomError("duration", "not ISO 8601, or in months or years")
    return value


def lasting(least: str, most: str) -> AfterValidator:
    """What lasts between these, both in ISO 8601: pydantic's own bounds would be told as Python writes them."""
    shortest, longest = (_DURATION.validate_python(bound) for bound in (least, most))

    def check(length: timedelta) -> timedelta:
        if length < shortest:
            raise PydanticCustomError("greater_than_equal", "too short", {"ge": least})
        if length > longest:
            raise PydanticCustomError("less_than_equal", "too long", {"le": most})
        return length

    return AfterValidator(check)


WrittenDuration: Final = BeforeValidator(_iso_duration)
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Start = Annotated[Moment, Query(description="RFC 3339", examples=["2026-03-02T00:00:00Z"])]
End = Annotated[
    Moment,
    Query(description=f"RFC 3339, at most {LONGEST_WINDOW_DAYS} days after start", examples=["2026-03-09T00:00:00Z"]),
]


class SpanBody(BaseModel):
    """A half-open span [start, end)."""

    start: AwareDatetime
    end: AwareDatetime


def around(start: datetime, end: datetime) -> Span:
    """Whole seconds that hold all of [start, end), in epoch seconds."""
    return (start - _EPOCH) // _SECOND, -((_EPOCH - end) // _SECOND)


def window(start: datetime, end: datetime) -> Window:
    """Whole seconds that hold all of [start, end)."""
    try:
        return Window(*around(start, end))
    except WindowInvalid:
        raise Problem(422, "invalid_request", WINDOW_TITLE) from None


def inside(start: datetime, end: datetime) -> Window:
    """Whole seconds that lie inside of [start, end)."""
    try:
        return Window(-((_EPOCH - start) // _SECOND), (end - _EPOCH) // _SECOND)
    except WindowInvalid:
        raise Problem(422, "invalid_request", WINDOW_TITLE) from None


def seconds_of(moment: datetime) -> int:
    """Epoch seconds; 422 where a second is broken, for times that are booked are whole ones."""
    if moment.microsecond:
        raise Problem(422, "invalid_request", _SECONDS_TITLE)
    return (moment - _EPOCH) // _SECOND


def exactly(start: datetime, end: datetime) -> Span:
    """[start, end) in epoch seconds."""
    return seconds_of(start), seconds_of(end)


def bookable(span: Span) -> Span:
    """The span; 422 where nothing can be booked in it."""
    try:
        asked = Window(*span)
    except WindowInvalid:
        raise Problem(422, "invalid_request", BOOKABLE_TITLE) from None
    if asked.end > LATEST_TAKEN:
        raise Problem(422, "invalid_request", BOOKABLE_TITLE)
    return span


def told_span(span: Span) -> dict[str, str]:
    """A span as it goes out."""
    return {"start": told_second(span[0]), "end": told_second(span[1])}


def told_second(seconds: int) -> str:
    """RFC 3339 of epoch seconds. Day and time are each written once: formatting took half of a long answer's time."""
    day, second = divmod(seconds, _DAY_SECONDS)
    return _told_day(day) + _told_time(second)


@lru_cache(maxsize=1_000)
def _told_day(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY_SECONDS, UTC).isoformat()[:11]


@lru_cache(maxsize=10_000)
def _told_time(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def told_moment(moment: datetime | None) -> str | None:
    """RFC 3339, cut to the second."""
    return None if moment is None else _written(moment.astimezone(UTC))


def _written(utc: datetime) -> str:
    """RFC 3339 with `Z`; isoformat takes a third of strftime's time."""
    return f"{utc.isoformat()[:19]}Z"
