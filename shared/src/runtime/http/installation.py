"""Our answers, limits and documentation on a FastAPI application."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from runtime.auth import Forbidden, KeysUnavailable, Unauthenticated
from runtime.http.guard import Guard
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


def install(app: FastAPI) -> None:
    """Give `app` our refusals, the body limit (64 kB), the security headers and the documented problem."""
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
    return response(request, refusal(422, extra={"errors": told(error.errors(), language_of(request))}))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return response(request, refusal(error.status_code, dict(error.headers or {})))


async def _unauthenticated(request: Request, error: Exception) -> Response:
    _log.info("unauthenticated", why=str(error))
    return response(request, refusal(401, {"WWW-Authenticate": "Bearer"}))


async def _forbidden(request: Request, _: Exception) -> Response:
    return response(request, refusal(403))


async def _keys_unavailable(request: Request, _: Exception) -> Response:
    return response(request, refusal(503, {"Retry-After": "10"}))


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
