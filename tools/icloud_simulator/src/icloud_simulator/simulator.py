"""A whole simulator: the world, the CalDAV ports, the admin port."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import uvloop

from icloud_simulator.accounts import move_partition
from icloud_simulator.admin.app import admin_app
from icloud_simulator.asgi import CalDavApp
from icloud_simulator.demo import seed_demo
from icloud_simulator.facts import OldHost
from icloud_simulator.journal import FileJournal, NoJournal
from icloud_simulator.listeners import Listeners
from icloud_simulator.server import CalDavServer
from icloud_simulator.state import Account
from icloud_simulator.world import World


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. Port 0: a free one. `partition_base` may hold {nn}; None: the name localhost on the CalDAV port."""

    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    data: Path | None = None
    partition_base: str | None = None
    demo: bool = False


@dataclass(slots=True)
class Simulator:
    """Runs on the event loop that starts it. Everything in it belongs to that loop."""

    options: Options = field(default_factory=Options)
    world: World = field(init=False)
    server: CalDavServer = field(init=False)
    url: str = field(init=False, default="")
    admin_url: str = field(init=False, default="")
    _listeners: Listeners = field(init=False)

    async def start(self) -> None:
        """Take in what was kept, listen. Raises OSError when a port is taken, and lets go of the others."""
        options = self.options
        self.world = World(NoJournal() if options.data is None else FileJournal(options.data))
        self.world.wake()
        self.server = CalDavServer(self.world)
        self._listeners = Listeners(options.host)
        try:
            await self._listen(options)
        except OSError:
            await self.stop()
            raise

    async def _listen(self, options: Options) -> None:
        port = await self._listeners.open(CalDavApp(self.server), options.port)
        self.world.default_partition_base = options.partition_base or f"http://localhost:{port}"
        self.url = f"http://{options.host}:{port}/"
        for account in self.world.state.accounts.values():
            await self._serve(account.partition_base)
        if options.demo:
            seed_demo(self.world)
        admin_port = await self._listeners.open(admin_app(self), options.admin_port)
        self.admin_url = f"http://{options.host}:{admin_port}"

    async def stop(self) -> None:
        """Close every port and the journal."""
        await self._listeners.close_all()
        self.world.journal.close()

    async def move_partition(self, apple_id: str, base: str | None, old_host: OldHost) -> Account:
        """Move an account; without a base, to a port that is opened for it. Raises Unknown."""
        old = self.world.partition_base(self.world.account(apple_id))
        if base is None:
            base = f"http://localhost:{await self._listeners.open(CalDavApp(self.server))}"
        else:
            await self._serve(base)
        account = move_partition(self.world, apple_id, base=base, old_host=old_host)
        if old_host is OldHost.REFUSED:
            await self._close_if_empty(old)
        return account

    async def _serve(self, base: str | None) -> None:
        port = None if base is None else urlsplit(base).port
        if port is not None and not self._listeners.has(port):
            await self._listeners.open(CalDavApp(self.server), port)

    async def _close_if_empty(self, base: str) -> None:
        lived_in = {self.world.partition_base(account) for account in self.world.state.accounts.values()}
        ports = {urlsplit(url).port for url in (*lived_in, self.url, self.world.default_partition_base)}
        port = urlsplit(base).port
        if port is not None and port not in ports and self._listeners.has(port):
            await self._listeners.close(port)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


@contextmanager
def running(options: Options | None = None) -> Iterator[Simulator]:
    """Run a simulator in a thread of its own, for tests that block. Use its URLs; its objects belong to the thread."""
    simulator = Simulator(options or Options())
    loop = uvloop.new_event_loop()  # as the command has it
    thread = threading.Thread(target=loop.run_forever, name="icloud-simulator")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(timeout=10)
        try:
            yield simulator
        finally:
            asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
