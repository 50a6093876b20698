"""Appointments: booked, changed, called off, shown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from availability.application.book import Wish
from availability.application.bookings import Place, Shown
from availability.application.change_appointments import Revisions, Which
from availability.application.refusals import AlreadyCancelled, KeyReused, KnowledgeTooOld, SlotTaken
from availability.domain.appointments import Agreed
from availability.domain.freshness import Freshness, State
from availability.domain.users import User
from availability.inbound.http.bodies import AppointmentBody, AppointmentChange, AppointmentsBody, NewAppointment
from availability.inbound.http.callers import (
    READ,
    WRITE,
    AppointmentReader,
    Told,
    UserId,
    Writer,
    refused,
    whose,
    with_headers,
)
from availability.inbound.http.counted import counted
from availability.inbound.http.keys import INVALID_OR_REUSED, IdempotencyKey, key_of
from availability.inbound.http.lists import After, listed
from availability.inbound.http.moments import End, Start, bookable, exactly, seconds_of, window
from availability.inbound.http.problems import exemplified, if_match_needed
from availability.inbound.http.stories import Stories
from availability.inbound.http.told import answer, etag, told_appointment
from runtime.auth import Caller
from runtime.http.conditions import if_match_malformed, named

router: Final = APIRouter(prefix="/v1", tags=["appointments"])

_SCOPES: Final = f"`{WRITE}`"
_READING: Final = f"`{WRITE}` or `{READ}`"
_TAKEN: Final = SlotTaken(((1_772_460_000, 1_772_462_700),))
_MALFORMED: Final = "If-Match is neither `*` nor a list of ETags"
_REVISION: Final = re.compile("[1-9][0-9]{0,8}")
"""As its ETag has it; no revision has ten digits."""

AppointmentId = Annotated[str, Path(max_length=64, examples=["6f1e2d3c4b5a49788796a5b4c3d2e1f0"])]
IfMatch = Annotated[
    str | None,
    Header(
        max_length=500,
        description="The ETag that you have seen, or `*` for whichever it is. A weak ETag never holds.",
        examples=['"1"'],
    ),
]


@router.post(
    "/appointments",
    operation_id="book",
    status_code=201,
    summary="Book an appointment",
    response_model=AppointmentBody,
    responses=exemplified(
        refused(
            _SCOPES,
            s409="`slot_taken`, with the times that are taken, or `knowledge_too_old`, with how well they are known",
            s422=INVALID_OR_REUSED,
        ),
        _TAKEN,
        KnowledgeTooOld(Freshness(datetime(2026, 3, 2, 7, 56, 12, tzinfo=UTC), State.STALE)),
        KeyReused(),
    )
    | {201: with_headers("ETag", "Location")},
)
async def book(wish: NewAppointment, caller: Writer, idempotency_key: IdempotencyKey, stories: Told) -> Response:
    """Book if nothing known stands in the way.

    The same Idempotency-Key with the same body gets the same answer for 24 hours, a refusal as `slot_taken` included.
    """
    span = bookable(exactly(wish.start, wish.end))
    wanted = Wish(
        user=whose(caller, wish.user_id),
        agreed=Agreed(span, wish.title, wish.location, wish.notes),
        by=caller.user_id,
        max_age=wish.max_age,
    )
    with counted("book"):
        key = key_of(caller, idempotency_key, (wanted.user, wanted.agreed, wanted.max_age))
        shown = await stories.book(wanted, key)
    there = {"Location": f"{router.prefix}/appointments/{shown.appointment.id}"}
    return answer(told_appointment(shown), status=201, headers=etag(shown) | there)


@router.get(
    "/appointments/{appointment_id}",
    operation_id="appointment",
    summary="One appointment",
    response_model=AppointmentBody,
    responses=refused(_READING) | {200: with_headers("ETag")},
)
async def appointment(caller: AppointmentReader, appointment_id: AppointmentId, stories: Told) -> Response:
    """The appointment with its export and its history; a cancelled one for thirty days more."""
    shown = await stories.show.one(caller.account_id, appointment_id)
    whose(caller, shown.appointment.user.user_id)
    return answer(told_appointment(shown), headers=etag(shown))


@router.patch(
    "/appointments/{appointment_id}",
    operation_id="change_appointment",
    summary="Move an appointment, or change its words",
    response_model=AppointmentBody,
    responses=exemplified(
        refused(
            _SCOPES,
            s400=_MALFORMED,
            s409="`slot_taken`, with the times that are taken, or `appointment_cancelled`",
            s412="It was changed since; the ETag tells its revision",
            s428="If-Match is missing",
        ),
        if_match_malformed(),
        _TAKEN,
        AlreadyCancelled(),
    )
    | {200: with_headers("ETag")},
)
async def change_appointment(
    change: AppointmentChange,
    caller: Writer,
    appointment_id: AppointmentId,
    stories: Told,
    if_match: IfMatch = None,
) -> Response:
    """Take the new time and free the old one in one step, or do neither."""
    user = await _user(caller, appointment_id, stories)
    if if_match is None:
        raise if_match_needed()
    which = Which(user, appointment_id, _revisions(if_match), caller.user_id)
    with counted("change"):
        shown = await stories.change(which, _changed(change))
    return answer(told_appointment(shown), headers=etag(shown))


@router.delete(
    "/appointments/{appointment_id}",
    operation_id="cancel_appointment",
    status_code=204,
    summary="Cancel an appointment",
    response_class=Response,
    responses=exemplified(
        refused(_SCOPES, s400=_MALFORMED, s412="It was changed since; the ETag tells its revision"),
        if_match_malformed(),
    ),
)
async def cancel_appointment(
    caller: Writer, appointment_id: AppointmentId, stories: Told, if_match: IfMatch = None
) -> Response:
    """Free its time, whatever its revision unless If-Match names one. What is cancelled already stays so."""
    user = await _user(caller, appointment_id, stories)
    revisions = None if if_match is None else _revisions(if_match)
    with counted("cancel"):
        await stories.cancel(Which(user, appointment_id, revisions, caller.user_id))
    return Response(status_code=204)


@router.get(
    "/users/{user_id}/appointments",
    operation_id="appointments",
    summary="A user's appointments",
    response_model=AppointmentsBody,
    responses=refused(_READING),
)
async def appointments(  # noqa: PLR0913 - as many as there are parts of the question
    caller: AppointmentReader,
    user_id: UserId,
    start: Start,
    end: End,
    stories: Told,
    *,
    cancelled: Annotated[bool, Query(description="Also those cancelled within the last thirty days")] = False,
    after: After = None,
) -> Response:
    """Those that take time between `start` and `end`: a thousand at most, and two megabytes. `next` tells of more."""
    user, asked = whose(caller, user_id), window(start, end)

    async def page(place: Place | None) -> Sequence[Shown]:
        return await stories.show.between(user, asked, cancelled=cancelled, after=place)

    return await listed(page, told_appointment, after)


async def _user(caller: Caller, appointment_id: str, stories: Stories) -> User:
    """The user of an appointment that the caller may touch; 404 else."""
    user = await stories.show.whose(caller.account_id, appointment_id)
    return whose(caller, user.user_id)


def _changed(change: AppointmentChange) -> Callable[[Agreed], Agreed]:
    """The agreement after the change."""
    words: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set - {"start", "end"}}

    def after(old: Agreed) -> Agreed:
        start = old.span[0] if change.start is None else seconds_of(change.start)
        end = old.span[1] if change.end is None else seconds_of(change.end)
        return replace(old, span=bookable((start, end)), **words)

    return after


def _revisions(if_match: str) -> Revisions:
    """The revisions that If-Match names, None for any. A tag that is not ours names none; what is no tag is refused."""
    words = named(if_match)
    return None if words is None else frozenset(int(word) for word in words if _REVISION.fullmatch(word))
