"""How a process of ours lives: it starts in order, waits for a signal, stops in the opposite order."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, Final, TypeVar

import uvloop

from runtime.listening import AsgiApplication, Listener
from runtime.logs import get_logger

_STOP_SECONDS: Final = 24.0
"""All steps of the stop together. Kubernetes kills 30 s after SIGTERM, and we promise to be gone after 25 s."""
_STEP_SECONDS: Final = 12.0
"""One step: the longest of them, the consumers', takes 11 s when Kafka is silent."""
_LEAVING_SECONDS: Final = 2.0
"""From the first failing look at our readiness until requests are refused: what a load balancer takes to notice."""

_log = get_logger("process")
T = TypeVar("T")


class Process:
    """What a service's `serve` builds itself on. Whatever starts first stops last."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._told_to_stop = asyncio.Event()
        self._stopping = False
        self._listens = False
        self.failed = False

    async def enter(self, name: str, part: AbstractAsyncContextManager[T]) -> T:
        """Start a part that closes itself at the end, in its turn."""
        entered = await part.__aenter__()
        self.on_stop(name, lambda: part.__aexit__(None, None, None))
        return entered

    def on_stop(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        """Call `stop` at the end, in its turn. Whether it fails or hangs, the others get their turn."""
        self._steps.append((name, stop))

    def supervise(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background and cancel it at the end, in its turn.

        Should it end earlier, well or badly, the process stops and exits with 1, so that it is started anew.
        """
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._note_end)

        async def cancel() -> None:
            task.cancel()
            await asyncio.wait([task])

        self.on_stop(name, cancel)

    async def listen(self, name: str, app: AsgiApplication, host: str, port: int) -> int:
        """Serve an ASGI application; returns the port. At the end requests in hand finish first.

        Where another one listened before, it tells by its readiness that we leave, and callers have two seconds to
        notice before new requests are refused.
        """
        listener = Listener(app, host, port)
        self.supervise(name, listener.serve())
        self.on_stop(f"{name} requests", partial(listener.drain, _LEAVING_SECONDS if self._listens else 0.0))
        self._listens = True
        await listener.ready()
        _log.info("listening", name=name, host=host, port=listener.port)
        return listener.port

    def draining(self) -> str | None:
        """A readiness check: None until the process has been told to stop."""
        return "stopping" if self._told_to_stop.is_set() else None

    def stop(self) -> None:
        """Ask for the end, as SIGTERM does."""
        self._told_to_stop.set()

    async def live(self, serve: "Serve") -> None:
        """Start everything, wait for the end, stop everything; `failed` then tells how it went."""
        starting = asyncio.create_task(serve(self), name="start")
        told = asyncio.create_task(self._told_to_stop.wait())
        await asyncio.wait([starting, told], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
        elif (error := starting.exception()) is not None:
            self.failed = True
            self._told_to_stop.set()
            _log.critical("start_failed", exc_info=error)
        else:
            # What the start has made is never garbage. Walking over it again and again made every twentieth question
            # to availability five times as dear (measured: p95 of 84 ms CPU against 11).
            gc.collect()
            gc.freeze()
            _log.info("started")
        await told
        await self._stop()

    async def _stop(self) -> None:
        _log.info("stopping")
        self._stopping = True
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                while self._steps:
                    await _step(*self._steps.pop())
        except TimeoutError:
            _log.critical("stop_overdue", seconds=_STOP_SECONDS)
            # What hangs now would hang the interpreter's own end, too.
            os._exit(1)
        _log.info("stopped")

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if self._stopping or task.cancelled():
            return
        _log.critical("task_ended", task=task.get_name(), exc_info=task.exception())
        self.failed = True
        self._told_to_stop.set()


Serve = Callable[[Process], Coroutine[Any, Any, None]]
"""Starts a service on the process and returns; the process then waits."""


def run(serve: Serve) -> int:
    """Run a service until SIGTERM or SIGINT.

    Returns the exit code: 0 after a stop in order, within 25 s of the signal, else 1.
    """
    sys.excepthook = _tell_uncaught
    threading.excepthook = lambda told: _tell_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: _tell_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(serve))


async def _run(serve: Serve) -> int:
    process = Process()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop)
    await process.live(serve)
    return 1 if process.failed else 0


def _tell_uncaught(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    """Python's own way prints the error's message to stderr, whatever it quotes."""
    _log.critical("uncaught", exc_info=error)


async def _step(name: str, stop: Callable[[], Awaitable[object]]) -> None:
    try:
        async with asyncio.timeout(_STEP_SECONDS):
            await stop()
    except Exception:  # noqa: BLE001 - the outermost place of a process: the next step must have its turn
        _log.exception("step_failed", step=name)
