"""The budget of all workers together, as one worker draws on it."""

import asyncio
from datetime import timedelta
from typing import Final, Protocol

from icloud import HeldBack
from sync_worker.application import metrics
from sync_worker.application.allowance import Portion
from sync_worker.domain.allowance import Purse

PATIENCE: Final = 30.0
"""Seconds that a request waits for its turn; then its pass ends, and comes again soon."""
HELD_BACK_FOR: Final = timedelta(minutes=1)
DRAW_EVERY: Final = 0.2
"""At least so many seconds lie between two questions of one worker."""


class Grants(Protocol):
    """The fleet's bucket."""

    async def draw(self, wanted: int) -> Portion:
        """Take up to so many requests out of it, on the store's clock. Raises what the store raises when it is away."""


class Fleet:
    """Lets requests go in the order of their asking. The first in the row draws for all behind it, and a bit ahead.

    While the store is away nobody goes.
    """

    def __init__(self, grants: Grants, per_second: float) -> None:
        self._grants = grants
        self._purse = Purse(per_second)
        self._row = asyncio.Lock()
        self._waiting = 0
        self._draw_at = 0.0

    async def take(self) -> None:
        """Return once one request may go. Raise HeldBack when that takes too long, or what the store raises."""
        began = _now()
        if self._waiting == 0 and self._purse.spend(began):
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE), self._row:
                while not self._purse.spend(_now()):
                    await self._draw()
        except TimeoutError:
            metrics.HELD_BACK.labels("budget").inc()
            raise HeldBack(HELD_BACK_FOR, "budget") from None
        finally:
            self._waiting -= 1
            metrics.WAITED_FOR_FLEET.inc(_now() - began)

    async def _draw(self) -> None:
        await asyncio.sleep(max(0.0, self._draw_at - _now()))
        asked_at = _now()
        portion = await self._grants.draw(self._purse.wanted(self._waiting, asked_at))
        self._purse.fill(portion.count, asked_at, _now())
        self._draw_at = asked_at + max(DRAW_EVERY, portion.next_in)
        metrics.GRANTED.inc(portion.count)


def _now() -> float:
    return asyncio.get_running_loop().time()
