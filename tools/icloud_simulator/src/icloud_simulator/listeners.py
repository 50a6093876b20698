"""Sockets and servers of one event loop, opened and closed while the simulator runs."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from icloud_simulator.asgi import BreakableProtocol


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@dataclass(slots=True)
class Listeners:
    """Servers by port. All of them on one address."""

    host: str
    _running: dict[int, tuple[_QuietServer, asyncio.Task[None]]] = field(default_factory=dict)

    async def open(self, app: Any, port: int = 0) -> int:  # noqa: ANN401 - ASGI applications have no one type
        """Serve an application on a port, 0 for a free one. Returns the port; raises OSError when it is taken."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only where the protocol is named; without it each answer takes 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, port))
        except OSError:
            listener.close()
            raise
        config = uvicorn.Config(
            app,
            http=BreakableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        server = _QuietServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await server.listens.wait()
        bound: int = listener.getsockname()[1]
        self._running[bound] = server, task
        return bound

    def has(self, port: int) -> bool:
        """Tell whether a port is served here."""
        return port in self._running

    async def close(self, port: int) -> None:
        """Stop listening on a port: connecting is refused from now on."""
        server, task = self._running.pop(port)
        server.should_exit = True
        await task

    async def close_all(self) -> None:
        """Stop everything."""
        await asyncio.gather(*(self.close(port) for port in list(self._running)))
