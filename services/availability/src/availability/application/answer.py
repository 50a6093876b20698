"""Questions about a user's time."""

from datetime import timedelta

from availability.application.timeline import Timeline
from availability.domain.busy import Busy, busy
from availability.domain.freshness import Ageing
from availability.domain.intervals import Window
from runtime.clock import Clock


class AnswerBusy:
    """Tells when a user is busy, and how old that knowledge is. A user without a connection is told as such."""

    def __init__(self, timeline: Timeline, clock: Clock, stale_after: timedelta) -> None:
        self._timeline = timeline
        self._clock = clock
        self._stale_after = stale_after

    async def __call__(self, account_id: str, user_id: str, window: Window) -> Busy:
        known = await self._timeline.known(account_id, user_id, window)
        return busy(known, window, Ageing(self._clock(), self._stale_after))
