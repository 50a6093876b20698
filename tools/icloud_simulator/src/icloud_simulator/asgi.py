"""The CalDAV server as an ASGI application, and a protocol that lets it tear connections down."""

import asyncio
import socket
import struct
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from icloud_simulator.exchange import Answer, Request
from icloud_simulator.put_rules import MAX_BYTES
from icloud_simulator.server import CalDavServer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_WORTH_PACKING = 600
# Drips leave in quarters of a second, so that slow bodies are slow and not late.
_DRIP_SECONDS = 0.25
_ALWAYS = [
    (b"server", b"AppleHttpServer/0123456789ab"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains;"),
    (b"x-responding-instance", b"caldavj:3:p42-caldavj-abc-xyz:8080:2626B756"),
    (b"via", b"631194250daa17e24277dea86cf30319:0123456789abcdef:nyc1"),
    (b"access-control-expose-headers", b"X-Apple-Request-UUID,Via"),
]


class _Disconnected(Exception):
    """The client went away before its request was whole."""


class BreakableProtocol(H11Protocol):
    """Hands the connection's transport to the application, for faults that HTTP has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - uvicorn's own types are private
            scope["transport"] = transport
            await inner(scope, receive, send)

        self.app = app


@dataclass(frozen=True, slots=True)
class CalDavApp:
    """One ASGI application for every host and account."""

    server: CalDavServer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            request = await _request(scope, receive)
        except _Disconnected:
            return
        answer, account = self.server.answer(request)
        headers, body = _dressed(request, answer)
        self.server.sent(request, account, answer, len(body))
        if answer.delivery.delay:
            await asyncio.sleep(answer.delivery.delay)
        if answer.delivery.reset:
            _reset(scope["transport"])
            await _gone(receive)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await _deliver(send, answer, body)
        if answer.delivery.cut:
            scope["transport"].close()
            await _gone(receive)


async def _request(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BYTES + 1:  # one byte too many is enough to be refused
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body = b"".join(chunks) if size <= MAX_BYTES else b"".join(chunks).ljust(MAX_BYTES + 1)
    return Request(scope["method"], scope["raw_path"].decode("ascii"), headers.get("host", ""), headers, body)


def _dressed(request: Request, answer: Answer) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = answer.body
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if len(body) > _WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        body = answer.gzipped()
        headers.append((b"content-encoding", b"gzip"))
    length = str(len(body)).encode()
    headers += [(b"content-length", length), (b"x-apple-request-uuid", str(uuid.uuid4()).encode()), *_ALWAYS]
    return headers, b"" if request.method == "HEAD" else body


async def _deliver(send: Send, answer: Answer, body: bytes) -> None:
    delivery = answer.delivery
    if delivery.cut:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    elif delivery.bytes_per_second is not None:
        step = max(1, int(delivery.bytes_per_second * _DRIP_SECONDS))
        for at in range(0, len(body), step):
            await send({"type": "http.response.body", "body": body[at : at + step], "more_body": at + step < len(body)})
            await asyncio.sleep(_DRIP_SECONDS)
    else:
        await send({"type": "http.response.body", "body": body})


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    # Lingering for zero seconds makes the kernel send RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is down; it would answer 500 for us otherwise."""
    while (await receive())["type"] != "http.disconnect":
        continue
