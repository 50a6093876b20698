"""Budgets in memory, and how to count what went."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence

from sync_worker.application.allowance import Portion
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.domain.allowance import burst

Time = Callable[[], float]


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Level:
    """A token bucket; full at first."""

    def __init__(self, per_second: float, holds: float) -> None:
        self._per_second = per_second
        self._holds = holds
        self._level = holds
        self._at: float | None = None

    def take(self, wanted: int, *, owed: int, now: float) -> Portion:
        gained = 0.0 if self._at is None else (now - self._at) * self._per_second
        self._level = min(min(self._holds, self._level + gained) - owed, self._holds)
        self._at = now
        count = max(0, min(wanted, int(self._level // 1)))
        self._level -= count
        return Portion(count, max(0.0, (1 - self._level) / self._per_second))


class FakeGrants:
    """The fleet's bucket. `away` is raised instead of an answer."""

    def __init__(self, per_second: float) -> None:
        self._bucket = Level(per_second, burst(per_second))
        self.draws = 0
        self.granted = 0
        self.away: Exception | None = None
        self.takes = 0.0

    async def draw(self, wanted: int) -> Portion:
        self.draws += 1
        await asyncio.sleep(self.takes)
        if self.away:
            raise self.away
        portion = self._bucket.take(wanted, owed=0, now=loop_time())
        self.granted += portion.count
        return portion


class FakeShares:
    """The accounts' buckets, by connection. Who is in `lost` has lost its lease."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, Level] = {}
        self.draws = 0
        self.lost: set[str] = set()

    async def draw(self, claim: Claim, wanted: int) -> Portion:
        self.draws += 1
        return self._take(claim, wanted)

    def end(self, claim: Claim) -> None:
        """What the pass's end writes."""
        self._take(claim, 0)
        claim.allowance.settle(0)

    def _take(self, claim: Claim, wanted: int) -> Portion:
        if claim.connection_id in self.lost:
            raise LeaseLost
        fresh = Level(self._per_minute / 60, self._per_minute)
        bucket = self._buckets.setdefault(claim.connection_id, fresh)
        return bucket.take(wanted, owed=claim.allowance.owed, now=loop_time())


def most_within(seconds: float, times: Sequence[float]) -> int:
    """The most of them in any window of that length."""
    ordered = sorted(times)
    return max((bisect_left(ordered, at + seconds) - n for n, at in enumerate(ordered)), default=0)
