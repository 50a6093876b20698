"""The clock and the bell: when what waits in the store is seen to."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from runtime.logs import get_logger

SWEEP_EVERY: Final = timedelta(seconds=2)
"""What another replica left behind when it died waits at most this long (goal: 5 s)."""

_log = get_logger(__name__)


class Bell:
    """Rung after a commit, so that nobody waits for the next sweep."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever listens, or let the next one not wait."""
        self._rung.set()

    async def heard(self, within: timedelta) -> None:
        """Return at the next ring, after `within` at the latest."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class Relay:
    """Does what waits at each ring, and sweeps, for as long as the process lives."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[int]], bell: Bell, *, every: timedelta = SWEEP_EVERY
    ) -> None:
        self._name = name
        self._work = work
        self._bell = bell
        self._every = every

    async def run(self) -> None:
        """Never returns. What fails is tried again at the next sweep."""
        while True:
            try:
                if count := await self._work():
                    _log.info("relayed", what=self._name, count=count)
            except Exception as error:  # noqa: BLE001 - the outermost loop of the relay: whatever failed, the next sweep comes
                _log.warning("relay_waits", what=self._name, error=type(error).__name__)
            await self._bell.heard(self._every)
