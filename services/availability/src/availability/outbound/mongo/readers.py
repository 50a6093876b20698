"""The threads in which questions are read, in fair shares: whose calendars are crowded holds up nobody else."""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """One piece of work, and where what it finds is waited for."""

    whose: Hashable
    work: Callable[[], Any]
    found: "asyncio.Future[Any]"


@dataclass(slots=True)
class _Line:
    """What is asked of one user by now."""

    under_way: int = 0
    waiting: deque[_Reading] = field(default_factory=deque)


class Readers:
    """So many threads. `common` of them are for whoever comes first; of the others nobody takes one who has `share`.

    More of theirs waits in line, and others go on meanwhile. Threads of our own: by way of an executor a question costs
    a twentieth more, and the process would wait at its end for what is read in vain.
    """

    def __init__(self, name: str, *, threads: int, common: int, share: int) -> None:
        self._name = name
        self._threads = threads
        self._common = common
        self._share = share
        self._begun: list[Thread] = []
        self._next: SimpleQueue[_Reading] = SimpleQueue()
        self._lines: dict[Hashable, _Line] = {}
        self._under_way = 0
        self._counting = Lock()
        """Held for each look at the lines, and for nothing else."""

    async def read(self, whose: Hashable, work: Callable[[], T]) -> T:
        """What `work` finds, or its error.

        When nobody waits for it any more, work that has not begun is left out; what has begun keeps its thread, and its
        place in the share, until it ends.
        """
        if not self._begun:
            self._begin()
        found: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._counting:
            line = self._lines.setdefault(whose, _Line())
            line.waiting.append(_Reading(whose, work, found))
            for reading in self._due(line):
                self._next.put(reading)
        return await found

    def _begin(self) -> None:
        for number in range(self._threads):
            self._begun.append(Thread(target=self._serve, name=f"{self._name} {number}", daemon=True))
            self._begun[-1].start()

    def _serve(self) -> None:
        """A thread's life."""
        reading = self._next.get()
        while True:
            whose = reading.whose
            _read(reading)
            del reading  # and what was found with it, however long nothing is asked
            reading = self._after(whose) or self._next.get()

    def _after(self, whose: Hashable) -> _Reading | None:
        """A place is free: let those begin who waited for it. One of them here and now, where nobody else waits."""
        with self._counting:
            line = self._lines[whose]
            line.under_way -= 1
            self._under_way -= 1
            due = self._due(line)
            if not line.under_way:
                del self._lines[whose]
            here = due.pop(0) if due and self._next.empty() else None
            for reading in due:
                self._next.put(reading)
        return here

    def _due(self, line: _Line) -> list[_Reading]:
        """Those of the line who may begin, and are counted as if they had."""
        due: list[_Reading] = []
        while line.waiting and (line.under_way < self._share or self._under_way < self._common):
            reading = line.waiting.popleft()
            if not reading.found.cancelled():
                due.append(reading)
                line.under_way += 1
                self._under_way += 1
        return due


def _read(reading: _Reading) -> None:
    if reading.found.cancelled():
        return
    result: Any = None
    error: BaseException | None = None
    try:
        result = reading.work()
    except BaseException as fault:  # noqa: BLE001 - it is raised where the result is waited for
        error = fault
    # A loop that is closed waits for nothing.
    with suppress(RuntimeError):
        reading.found.get_loop().call_soon_threadsafe(_tell, reading.found, result, error)


def _tell(found: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if found.done():
        return
    if error is None:
        found.set_result(result)
    else:
        found.set_exception(error)
