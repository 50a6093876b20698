"""Time off that is entered in CrocoClick itself."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from availability.application.refusals import KeyReused
from availability.domain.blocked_slots import BlockedSlot
from availability.domain.intervals import LATEST
from availability.inbound.http.bodies import In, Out
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
from availability.inbound.http.keys import INVALID_OR_REUSED, OptionalKey, key_of
from availability.inbound.http.lists import After, listed
from availability.inbound.http.moments import Moment, around, exactly, told_span
from availability.inbound.http.problems import exemplified
from availability.inbound.http.told import answer
from runtime.http import Problem

router: Final = APIRouter(prefix="/v1/users/{user_id}/blocked-slots", tags=["blocked slots"])

_FOR_EVER: Final = datetime.fromtimestamp(LATEST, UTC)
_ORDER: Final = {
    "en": "start must be before end; where it is left out, it is now.",
    "fr": "start doit précéder end ; s'il n'est pas indiqué, c'est maintenant.",
}
_WRITING: Final = f"`{WRITE}`"
_READING: Final = f"`{WRITE}` or `{READ}`"
_PLAIN: Final = ":@+"
"""Of what ids of users are made of, a path takes these as they are (RFC 3986, 3.3)."""

SlotId = Annotated[str, Path(max_length=64, examples=["0f1e2d3c4b5a49788796a5b4c3d2e1f0"])]


class NewBlockedSlot(In):
    """Time off to enter."""

    start: Moment
    end: Moment
    reason: Annotated[str, Field(max_length=500)] | None = None


class BlockedSlotBody(Out):
    """Time at which a user does not work. It blocks, and is not exported."""

    id: str
    start: AwareDatetime
    end: AwareDatetime
    reason: str | None


class BlockedSlotsBody(Out):
    """A user's blocked slots."""

    items: list[BlockedSlotBody]
    """By their start."""
    next: str | None = None
    """Only there where there are more: ask the same again, with this as `after`."""


@router.post(
    "",
    operation_id="block",
    status_code=201,
    summary="Enter time off",
    response_model=BlockedSlotBody,
    responses=exemplified(refused(_WRITING, s422=INVALID_OR_REUSED), KeyReused()) | {201: with_headers("Location")},
)
async def block(
    slot: NewBlockedSlot, caller: Writer, user_id: UserId, stories: Told, idempotency_key: OptionalKey = None
) -> Response:
    """From now on nothing is booked there. An appointment that is there already stands; its conflict is told.

    The same Idempotency-Key with the same body gets the same answer for 24 hours; without one a request that is
    repeated enters the time off once more.
    """
    user, span = whose(caller, user_id), exactly(slot.start, slot.end)
    key = None if idempotency_key is None else key_of(caller, idempotency_key, ("time off", user, span, slot.reason))
    added = await stories.blocked_slots.add(user, span, slot.reason, key=key)
    there = f"{router.prefix.format(user_id=quote(user_id, safe=_PLAIN))}/{added.id}"
    return answer(_told(added), status=201, headers={"Location": there})


@router.get(
    "",
    operation_id="blocked_slots",
    summary="A user's time off",
    response_model=BlockedSlotsBody,
    responses=refused(_READING),
)
async def blocked_slots(  # noqa: PLR0913 - as many as there are parts of the question
    caller: AppointmentReader,
    user_id: UserId,
    stories: Told,
    *,
    start: Annotated[Moment | None, Query(description="RFC 3339; now, where it is left out")] = None,
    end: Annotated[Moment | None, Query(description="RFC 3339; for ever, where it is left out")] = None,
    after: After = None,
) -> Response:
    """What takes time between `start` and `end`: a thousand at most, and two megabytes. `next` tells of more."""
    first, last = around(start or stories.clock(), end or _FOR_EVER)
    if first >= last:
        raise Problem(422, "invalid_request", _ORDER)
    page = partial(stories.blocked_slots.of, whose(caller, user_id), (first, last))
    return await listed(page, _told, after)


@router.get(
    "/{slot_id}",
    operation_id="blocked_slot",
    summary="One time off",
    response_model=BlockedSlotBody,
    responses=refused(_READING),
)
async def blocked_slot(caller: AppointmentReader, user_id: UserId, slot_id: SlotId, stories: Told) -> Response:
    """The time off; 404 once it is deleted."""
    return answer(_told(await stories.blocked_slots.one(whose(caller, user_id), slot_id)))


@router.delete(
    "/{slot_id}",
    operation_id="unblock",
    status_code=204,
    summary="Delete time off",
    response_class=Response,
    responses=refused(_WRITING),
)
async def unblock(caller: Writer, user_id: UserId, slot_id: SlotId, stories: Told) -> Response:
    """The time can be booked again."""
    await stories.blocked_slots.remove(whose(caller, user_id), slot_id)
    return Response(status_code=204)


def _told(slot: BlockedSlot) -> dict[str, Any]:
    return {"id": slot.id, **told_span(slot.span), "reason": slot.reason}
