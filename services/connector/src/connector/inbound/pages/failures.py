"""Pages for those who cannot be shown what they asked for."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from connector.inbound.pages.language import language_for
from connector.inbound.pages.places import LIST, looked_at, remember
from connector.inbound.pages.rendering import Renderer
from connector.inbound.pages.session import COOKIE, FormNotOurs, end
from runtime.auth import Forbidden, KeysUnavailable, Unauthenticated
from runtime.http import Problem
from runtime.logs import get_logger

_NOT_FOUND: Final = 404
_ASKED_WRONGLY: Final = range(400, 500)
"""Statuses of what was asked for in a way that cannot be; the others are ours."""
_TOO_MANY: Final = 429
_TO_SIGN_IN: Final = frozenset({"signed_out", "stranger", "goodbye"})

_log = get_logger(__name__)


def signed_out(request: Request) -> Response:
    """After somebody has signed out."""
    return _page(request, "goodbye", 200)


async def _signed_out(request: Request, error: Exception) -> Response:
    _log.info("unauthenticated", why=str(error))
    response = _page(request, "signed_out" if COOKIE in request.cookies else "stranger", 401)
    end(response)
    remember(request, response)
    return response


async def _forbidden(request: Request, _: Exception) -> Response:
    return _page(request, "forbidden", 403)


async def _form_not_ours(request: Request, error: Exception) -> Response:
    _log.warning("form_refused", why=str(error))
    return _page(request, "form", 403)


async def _later(request: Request, _: Exception) -> Response:
    return _page(request, "later", 503, headers={"Retry-After": "10"})


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - Starlette's type for handlers is wider than what it calls them with
    if error.status == _NOT_FOUND:
        return _page(request, "not_found", _NOT_FOUND)
    said = _renderer(request).words[language_for(request)].said(error.title)
    which = "refused" if error.status in _ASKED_WRONGLY and error.status != _TOO_MANY else "later"
    return _page(request, which, error.status, said=said, headers=error.headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code in {_NOT_FOUND, 405}:
        which = "not_found"
    else:
        which = "malformed" if error.status_code in _ASKED_WRONGLY else "fault"
    return _page(request, which, error.status_code, headers=error.headers)


async def _fault(request: Request, _: Exception) -> Response:
    # Starlette raises the error again once the page is sent: runtime's guard logs it.
    return _page(request, "fault", 500)


Handler = Callable[[Request, Exception], Awaitable[Response]]
HANDLERS: Final[Mapping[Any, Handler]] = {
    Unauthenticated: _signed_out,
    Forbidden: _forbidden,
    FormNotOurs: _form_not_ours,
    KeysUnavailable: _later,
    Problem: _problem,
    HTTPException: _http,
    Exception: _fault,
}


def _renderer(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


def _page(
    request: Request,
    which: str,
    status: int,
    *,
    said: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    renderer = _renderer(request)
    words = renderer.words[language_for(request)]
    response = renderer.page(
        "failure.html",
        words,
        status,
        path=looked_at(request) if request.method == "GET" else LIST,
        heading=words(f"failure.{which}.heading"),
        said=said or words(f"failure.{which}.said"),
        sign_in_url=request.app.state.sign_in_url if which in _TO_SIGN_IN else None,
        told=None,
        form_token=None,
    )
    response.headers.update(headers or {})
    return response
