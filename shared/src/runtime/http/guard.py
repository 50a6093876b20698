"""What stands before every route: limits on what comes in, headers on what goes out, nothing told of a fault."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics, tracing
from runtime.http.problems import response
from runtime.http.refusals import refusal
from runtime.logs import get_logger
from runtime.tracing import Kind

LARGEST_BODY: Final = 64 * 1024
_BODY_SECONDS: Final = 10.0
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""Set where a route says nothing else."""
_ANNOUNCING: Final = frozenset({b"content-length", b"transfer-encoding"})
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

_log = get_logger("http")


class Guard:
    """ASGI middleware, the outermost of an interface."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, whatever the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not tracing.on():
            await self._answered(scope, receive, send)
            return
        with tracing.begin("request", Kind.SERVER, parent=_trace(scope)) as span:
            status = await self._answered(scope, receive, send)
            span.rename(f"{_method(scope)} {_route(scope)}")
            span.tell(method=_method(scope), route=_route(scope), status=status)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> int:
        answer = _Answer(send)
        began = asyncio.get_running_loop().time()
        try:
            await self._guarded(scope, receive, answer)
        except Exception:  # noqa: BLE001 - the outermost place of a request: its caller gets an answer, and no details
            _log.exception("request_failed", method=scope["method"], route=_route(scope))
            await answer.refuse(scope, 500)
        seconds, route = asyncio.get_running_loop().time() - began, _route(scope)
        metrics.HTTP_SECONDS.labels(_method(scope), route, str(answer.status)).observe(seconds)
        _log.info("request", method=scope["method"], route=route, status=answer.status, seconds=round(seconds, 4))
        return answer.status

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            async with asyncio.timeout(_BODY_SECONDS if _is_announced(scope) else None):
                body = await _body(scope, receive)
        except TimeoutError:
            await answer.refuse(scope, 408)
            return
        except _Gone:
            await answer.refuse(scope, 400)
            return
        if body is None:
            await answer.refuse(scope, 413)
            return
        await self._app(scope, _again(body, receive), answer)


class _Answer:
    """What is sent, with our headers; knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message["headers"])
            said = {name for name, _ in given}
            message["headers"] = given + [header for header in _HEADERS if header[0] not in said]
        await self._send(message)

    async def refuse(self, scope: Scope, status: int) -> None:
        if self.status == 0:
            request = Request(scope)
            await response(request, refusal(status, {"Connection": "close"}))(scope, request.receive, self)


class _Gone(Exception):
    """Whoever asked has gone before all was said."""


def _is_announced(scope: Scope) -> bool:
    """Whether a body is to come; without these headers there is none to wait for (RFC 9112, 6.3)."""
    return any(name in _ANNOUNCING for name, _ in scope["headers"])


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than allowed, announced or not.

    Raises _Gone where it broke off: half a form would be another wish.
    """
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        return None
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then what really comes."""
    told: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def again() -> Message:
        nonlocal told
        message, told = told, None
        return message if message is not None else await receive()

    return again


def _method(scope: Scope) -> str:
    """The request's method, as long as it is one that exists: callers may send any word."""
    method = str(scope["method"])
    return method if method in METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself: a label for metrics, and free of ids."""
    return str(getattr(scope.get("route"), "path", "none"))


def _trace(scope: Scope) -> str | None:
    """The caller's trace; of two that are given none is believed."""
    given = Headers(scope=scope).getlist("traceparent")
    return given[0] if len(given) == 1 else None
