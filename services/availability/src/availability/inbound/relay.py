"""The clock and the bell: when what waits in the store is seen to, and how far what fails reaches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Final

from availability.domain.users import User
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

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


class UserByUser:
    """The work of a sweep, each user's for itself: what fails for one holds up nobody else, and comes again.

    What would fail for all of them, MongoDB's absence, ends the sweep once it has failed for two in a row. Where it is
    one alone, a crowded calendar may take longer to read than anything may.
    """

    def __init__(
        self, name: str, waiting: Callable[[], AsyncIterator[User]], work: Callable[[User], Awaitable[int]]
    ) -> None:
        self._name = name
        self._waiting = waiting
        self._work = work

    async def __call__(self) -> int:
        """How much was done, of all users. Raises MongoDB's absence once the others had their turn."""
        done = failed = 0
        absence: Exception | None = None
        twice = False
        async for user in self._waiting():
            try:
                done += await self._work(user)
                twice = False
            except Exception as error:
                # The outermost place of one user's work: the next has their turn.
                if is_infrastructure(error):
                    if twice:
                        raise
                    absence, twice = error, True
                    continue
                twice = False
                failed += 1
                if failed == 1:
                    _log.error("user_passed_over", what=self._name, account_id=user.account_id, exc_info=error)
        if failed > 1:
            _log.error("users_passed_over", what=self._name, count=failed)
        if absence:
            raise absence
        return done


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
