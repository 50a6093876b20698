"""Our answers, limits and documentation on a FastAPI application."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from runtime.auth import Forbidden, KeysUnavailable, TokenMissing, Unauthenticated
from runtime.http.guard import METHODS, Guard
from runtime.http.problems import MEDIA_TYPE, Problem, language_of, response
from runtime.http.refusals import refusal
from runtime.http.validation import told
from runtime.logs import get_logger

_log = get_logger("http")

_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). `code` is stable; `title` is for people, in French or English.",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "errors": {
            "type": "array",
            "description": "With `invalid_request`: the fields at fault.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_CONTENT: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FASTAPI_S_OWN: Final = ("HTTPValidationError", "ValidationError")
_NO_JSON: Final = {"type": "json_invalid", "loc": ("body", 0)}


def install(app: FastAPI) -> None:
    """Give `app` our refusals, the body limit (64 kB), the security headers and the documented problem.

    A path with a slash too many is none: a redirect would go to whatever Host was sent, by the scheme that a proxy
    speaks to us, and the browser would send the body, with a password perhaps, there again.
    """
    app.router.redirect_slashes = False
    app.add_middleware(Guard)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unauthenticated, _unauthenticated)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(KeysUnavailable, _keys_unavailable)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - Starlette's type for handlers is wider than what it calls them with
    return response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    if any(_is_unread(found) for found in error.errors()) and not _says_json(request):
        return response(request, refusal(415))
    return response(request, _wrong(request, error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(error.__cause__, ValueError | RecursionError):
        # What JSON's own errors do not tell of a body: bytes that are no UTF-8, numbers without end, endless depth.
        return response(request, _wrong(request, [_NO_JSON]))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request)
    return response(request, refusal(error.status_code, headers))


async def _unauthenticated(request: Request, error: Exception) -> Response:
    _log.info("unauthenticated", why=str(error))
    # RFC 6750, 3.1: whoever said nothing of themself is told no error.
    challenge = "Bearer" if isinstance(error, TokenMissing) else 'Bearer error="invalid_token"'
    return response(request, refusal(401, {"WWW-Authenticate": challenge}))


async def _forbidden(request: Request, _: Exception) -> Response:
    return response(request, refusal(403, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}))


async def _keys_unavailable(request: Request, _: Exception) -> Response:
    return response(request, refusal(503, {"Retry-After": "10"}))


def _wrong(request: Request, errors: Sequence[Mapping[str, Any]]) -> Problem:
    return refusal(422, extra={"errors": told(errors, language_of(request))})


def _is_unread(error: Mapping[str, Any]) -> bool:
    """Whether it is about a body as a whole that is there: FastAPI takes what does not say that it is JSON as bytes."""
    return error["loc"] == ("body",) and isinstance(error.get("input"), bytes)


def _says_json(request: Request) -> bool:
    """As FastAPI reads it."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said == "application/json" or (said.startswith("application/") and said.endswith("+json"))


def _allowed(request: Request) -> str:
    """The methods of all routes at the request's path: each route knows its own alone."""
    asked = {"type": "http", "path": request.scope["path"], "root_path": request.scope.get("root_path", "")}
    routes = request.app.routes
    known = (method for method in METHODS if any(_takes(route, asked | {"method": method}) for route in routes))
    return ", ".join(sorted(known))


def _takes(route: BaseRoute, asked: Scope) -> bool:
    return route.matches(asked)[0] is Match.FULL


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document with our problem in the place of its own validation error."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in _FASTAPI_S_OWN:
            schemas.pop(name, None)
        schemas["Problem"] = _SCHEMA
        for path in document.get("paths", {}).values():
            for operation in path.values():
                _document(operation["responses"])
        app.openapi_schema = document
    return app.openapi_schema


def _document(responses: dict[str, Any]) -> None:
    for status, answer in responses.items():
        if status.isdecimal() and int(status) >= 400:  # noqa: PLR2004 - where refusals begin
            said = answer.get("content", {}).get(MEDIA_TYPE, {})
            answer["content"] = {MEDIA_TYPE: said | _CONTENT[MEDIA_TYPE]}
    responses.setdefault("default", {"description": "Any other refusal", "content": _CONTENT})
