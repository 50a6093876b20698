"""uvicorn inside a process of ours, which handles the signals itself."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Final

import uvicorn

_BACKLOG: Final = 2_048
_GRACE_SECONDS: Final = 8
"""What requests in hand may take at the end."""
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the usual 60 s of a proxy, so that the proxy closes idle connections and never meets a closed one."""

_Event = MutableMapping[str, Any]
AsgiApplication = Callable[
    [_Event, Callable[[], Awaitable[_Event]], Callable[[_Event], Awaitable[None]]], Awaitable[None]
]


class Listener:
    """One application on one socket, which is bound at once: a port that is taken raises OSError here."""

    def __init__(self, app: AsgiApplication, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._app = app
        self._leaving = False
        self._server = _Server(
            uvicorn.Config(
                self._answer,
                interface="asgi3",
                # httptools, which uvicorn takes by itself where it is installed, knows no limit on headers, and takes
                # the body of a request that offers an upgrade (Java's client does so by itself) for another request.
                http="h11",
                access_log=False,
                log_config=None,
                lifespan="off",
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                ws="none",
                # Who asks is told by the socket; which proxies are to be believed is the service's own to say.
                proxy_headers=False,
            )
        )

    async def serve(self) -> None:
        """Serve until drained."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    async def ready(self) -> None:
        """Return when requests are answered."""
        await self._server.begun.wait()

    async def drain(self, leaving_seconds: float = 0.0) -> None:
        """Accept nothing new, and return when the requests in hand are answered (8 s at most).

        So many seconds before, requests are still accepted, each as the last one of its connection.
        """
        self._leaving = True
        await asyncio.sleep(leaving_seconds)
        self._server.should_exit = True
        await self._server.ended.wait()

    async def _answer(
        self, scope: _Event, receive: Callable[[], Awaitable[_Event]], send: Callable[[_Event], Awaitable[None]]
    ) -> None:
        async def send_and_leave(event: _Event) -> None:
            if self._leaving and event["type"] == "http.response.start":
                # Whoever keeps connections must not send into one that is about to be closed (RFC 9112, 9.6).
                event = {**event, "headers": [*event.get("headers", ()), (b"connection", b"close")]}
            await send(event)

        await self._app(scope, receive, send_and_leave)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield
