"""Who asks, and for whom."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Security
from fastapi.exceptions import HTTPException
from fastapi.security import HTTPBearer
from starlette.requests import Request

from availability.domain.users import User
from availability.inbound.http.stories import Stories
from runtime.auth import USER_ID, Caller, Forbidden, TokenChecker

READ: Final = "availability:read"
WRITE: Final = "appointments:write"
_BEARER: Final = HTTPBearer(
    scheme_name="token",
    bearerFormat="JWT",
    description="The platform's token, of a person or a service",
    auto_error=False,
)
"""Documents the token; the checker reads it by itself."""
_HEADERS: Final = {
    "ETag": "The revision, for If-Match",
    "Location": "Where it is",
    "Retry-After": "Seconds",
}


def carrying(*scopes: str) -> Callable[..., Awaitable[Caller]]:
    """A FastAPI dependency: the request's caller, whose token carries one of the scopes."""

    async def caller(request: Request, _: Annotated[object, Security(_BEARER)]) -> Caller:
        checker: TokenChecker = request.app.state.checker
        found = await checker.check(request.headers.get("authorization"))
        if found.scopes.isdisjoint(scopes):
            raise Forbidden(f"scope {' or '.join(scopes)} is needed")
        return found

    return caller


async def stories_of(request: Request) -> Stories:
    """What this application can be asked for."""
    stories: Stories = request.app.state.stories
    return stories


def whose(caller: Caller, user_id: str) -> User:
    """The user of that id in the caller's account; 404 where the caller may not act for them."""
    if not caller.may_act_for(user_id):
        raise HTTPException(404)
    return User(caller.account_id, user_id)


def refused(scopes: str, **others: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` of what every route may refuse, and of this one's own (`s409="…"`)."""
    common = {
        401: "No token, or not a valid one",
        403: f"The token carries no scope {scopes}",
        404: "It does not exist, or belongs to somebody whom the caller may not act for",
        422: "Something is missing or makes no sense",
        503: "This cannot be done at the moment; `Retry-After` says when to try again",
    }
    own = {int(status.removeprefix("s")): said for status, said in others.items()}
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"description": said} for status, said in (common | own).items()
    }
    for status, headers in ((412, with_headers("ETag")), (503, with_headers("Retry-After"))):
        if status in refusals:
            refusals[status] |= headers
    return refusals


def with_headers(*names: str) -> dict[str, Any]:
    """OpenAPI's words on headers of an answer."""
    return {"headers": {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}}


Reader = Annotated[Caller, Depends(carrying(READ))]
AppointmentReader = Annotated[Caller, Depends(carrying(WRITE, READ))]
Writer = Annotated[Caller, Depends(carrying(WRITE))]
Told = Annotated[Stories, Depends(stories_of)]
UserId = Annotated[str, Path(pattern=USER_ID, examples=["u-4711"])]
