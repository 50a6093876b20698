"""Whose batch of objects is in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_AT_ONCE: Final = 8
_ASIDE_AT_MOST: Final = 32
"""Batches that wait for iCloud, in memory beside those whose turn it is: of slow accounts few objects come, and eight
such would leave nobody else a turn."""
_PATIENCE_SECONDS: Final = 2.0
"""An answer that takes no longer is a quick one."""


class Turns:
    """Batches of one process take turns, a bounded number of them in memory.

    So the nearest days of all accounts come before the farther ones of any. One that iCloud keeps waiting steps aside
    for others, until something came.
    """

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(_AT_ONCE)
        self.aside = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator["Turn"]:
        """Wait for a turn."""
        turn = Turn(self)
        await turn.take()
        try:
            yield turn
        finally:
            turn.end()


class Turn:
    """One batch's. Nobody is let pass while `work` is under way."""

    __slots__ = ("_aside", "_held", "_stepping", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._held = False
        self._aside = False
        self._stepping: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for it, and from now on for iCloud."""
        await self._turns.free.acquire()
        self._held = True
        self._wait()

    @asynccontextmanager
    async def work(self) -> AsyncIterator[None]:
        """Around what is done with what came."""
        if self._stepping:
            self._stepping.cancel()
        if not self._held:
            await self._turns.free.acquire()
            self._held = True
        yield
        if self._aside:
            self._let_go()
        else:
            self._wait()

    def end(self) -> None:
        """Leave it to others."""
        if self._stepping:
            self._stepping.cancel()
        self._let_go()
        self._turns.aside -= self._aside
        self._aside = False

    def _wait(self) -> None:
        self._stepping = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._step_aside)

    def _step_aside(self) -> None:
        if self._turns.aside < _ASIDE_AT_MOST:
            self._turns.aside += 1
            self._aside = True
            self._let_go()

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            self._turns.free.release()
