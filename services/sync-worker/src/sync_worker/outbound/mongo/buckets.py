"""Token buckets on MongoDB's clock: the fleet's in a document of its own, an account's in its connection's."""

from dataclasses import dataclass
from typing import Final

from sync_worker.application.allowance import Portion
from sync_worker.domain.allowance import BURST_SECONDS, burst
from sync_worker.outbound.mongo.collections import NOW, Document

LIMIT: Final = "limit"
"""Requests a second, set by hand while everything runs: the fleet's bucket fills no faster, whatever workers say."""
_AGAIN_SECONDS: Final = 5.0
"""After so long a bucket that gives little is asked again, so that the end of a limit is soon felt."""
_NEXT_TO_NOTHING: Final = 1e-9
_SKEW: Final = 10_000
"""Milliseconds. A bucket that was filled further ahead of now was so by a primary whose clock was wrong."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How fast a bucket fills and how much it holds. One that was never drawn from is full."""

    field: str
    per_second: float
    burst: float
    limit: str | None = None
    """The document's field with a slower rate, if there is one; 0 lets nothing out."""

    def less(self, count: int) -> Document:
        """The bucket as it is now, less so many (more, if negative), as an update's fields."""
        return {
            self.field: {
                "level": {"$min": [{"$subtract": [self._level(), count]}, self._most()]},
                "at": {"$cond": [{"$gt": [self._at(), {"$add": [NOW, _SKEW]}]}, NOW, {"$max": [self._at(), NOW]}]},
            }
        }

    def drawing(self, wanted: int, *, owed: int = 0) -> list[Document]:
        """An update that takes out what is owed, and up to `wanted` more."""
        level, granted = f"{self.field}.level", f"{self.field}.granted"
        return [
            {"$set": self.less(owed)},
            {"$set": {granted: {"$max": [0, {"$min": [wanted, {"$floor": f"${level}"}]}]}}},
            {"$set": {level: {"$subtract": [f"${level}", f"${granted}"]}}},
        ]

    def portion(self, document: Document) -> Portion:
        """What such an update gave."""
        drawn = document[self.field]
        limit = self.per_second if self.limit is None else document.get(self.limit, self.per_second)
        next_in = max(0.0, 1.0 - drawn["level"]) / (min(limit, self.per_second) or _NEXT_TO_NOTHING)
        return Portion(int(drawn["granted"]), next_in if limit >= self.per_second else min(next_in, _AGAIN_SECONDS))

    def _level(self) -> Document:
        # Updates may be applied in another order than their clocks say: time is never counted twice, nor backwards.
        gained = {"$divide": [{"$multiply": [{"$max": [0, {"$subtract": [NOW, self._at()]}]}, self._rate()]}, 1000]}
        return {"$min": [self._most(), {"$add": [{"$ifNull": [f"${self.field}.level", self.burst]}, gained]}]}

    def _rate(self) -> float | Document:
        if self.limit is None:
            return self.per_second
        return {"$min": [self.per_second, {"$ifNull": [f"${self.limit}", self.per_second]}]}

    def _most(self) -> float | Document:
        if self.limit is None:
            return self.burst
        slow = {"$max": [1, {"$multiply": [self._rate(), BURST_SECONDS]}]}
        return {"$cond": [{"$gt": [self._rate(), 0]}, {"$min": [self.burst, slow]}, 0]}

    def _at(self) -> Document:
        return {"$ifNull": [f"${self.field}.at", NOW]}


def of_fleet(per_second: float) -> Bucket:
    """The bucket that all workers draw from."""
    return Bucket("icloud", per_second, burst(per_second), LIMIT)


def of_account(per_minute: int) -> Bucket:
    """An account's bucket: it holds a minute's requests."""
    return Bucket("allowance", per_minute / 60, float(per_minute))
