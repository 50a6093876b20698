"""The clock and the bell: when announcements go out."""

import asyncio
from datetime import timedelta
from typing import Final

from connector.application.publish import PublishPending
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
    """Publishes what waits at each ring, and sweeps, for as long as the process lives."""

    def __init__(self, publish_pending: PublishPending, bell: Bell, *, every: timedelta = SWEEP_EVERY) -> None:
        self._publish_pending = publish_pending
        self._bell = bell
        self._every = every

    async def run(self) -> None:
        """Never returns. What fails is tried again at the next sweep."""
        while True:
            try:
                if told := await self._publish_pending():
                    _log.info("announcements_published", count=told)
            except Exception as error:  # noqa: BLE001 - the outermost loop of the relay: whatever failed, the next sweep comes
                _log.warning("announcements_wait", error=type(error).__name__)
            await self._bell.heard(self._every)
