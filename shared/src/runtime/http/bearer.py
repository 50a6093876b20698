"""The caller of a request, by the bearer token of its Authorization header."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from runtime.auth import Caller, TokenChecker


def caller_of(checker: TokenChecker, scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A function, also a FastAPI dependency: the request's caller, who carries `scope`.

    Raises what `install` answers with 401, 403 or 503.
    """

    async def caller(request: Request) -> Caller:
        found = await checker.check(request.headers.get("authorization"))
        found.require(scope)
        return found

    return caller
