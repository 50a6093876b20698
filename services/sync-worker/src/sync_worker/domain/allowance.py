"""How many requests may go out: the arithmetic of the fleet's grants and of a slow start.

What leaves in any window of T seconds was granted in one of T + GRANT_SECONDS, and a full bucket adds BURST_SECONDS of
the budget: 109 % of it at most for T ≥ 10 s, however many workers draw.
"""

from math import exp2
from typing import Final

PER_SECOND: Final = 50
"""Of the whole fleet."""
PER_ACCOUNT_PER_MINUTE: Final = 30
BURST_SECONDS: Final = 0.3
"""So much of the budget may be saved up while nobody draws."""
GRANT_SECONDS: Final = 0.6
"""So long a worker may use what it drew; the rest lapses."""
_BEGINS_AT: Final = 0.1
_DOUBLES_IN: Final = 10.0


def burst(per_second: float) -> float:
    """What the fleet's bucket holds at most; one request at least, or a small budget could grant nothing at all."""
    return max(1.0, per_second * BURST_SECONDS)


def share(seconds: float) -> float:
    """The part of the full rate that is allowed so long after an outage's end: a tenth, doubling every ten seconds."""
    return min(1.0, _BEGINS_AT * exp2(max(seconds, 0.0) / _DOUBLES_IN))


class Purse:
    """Requests that a worker has drawn and not yet used. Times are seconds on its own monotonic clock."""

    __slots__ = ("_drawn_at", "_late", "_left", "_most", "_spare", "_until")

    def __init__(self, per_second: float) -> None:
        self._most = int(burst(per_second))
        self._left = 0
        self._until = 0.0
        self._spare = 0
        self._drawn_at = float("-inf")
        self._late = False

    def spend(self, now: float) -> bool:
        """Use one, if there is one that has not lapsed."""
        if self._left == 0 or now >= self._until:
            return False
        self._left -= 1
        return True

    def wanted(self, waiting: int, now: float) -> int:
        """How many to draw for `waiting` requests, and some ahead of need: the more, the faster the last ones went."""
        if self._left:
            self._spare //= 2
        elif now - self._drawn_at < GRANT_SECONDS:
            self._spare = min(2 * self._spare + 1, self._most)
        else:
            self._spare = 0
        self._left = 0
        # Where answers come too late, the rest would lapse and be missing elsewhere.
        return 1 if self._late else min(waiting + self._spare, self._most)

    def fill(self, count: int, asked_at: float, answered_at: float | None = None) -> None:
        """Take in what was granted to a question of that moment: it lapses by the question's time, not the answer's.

        Of an answer that comes too late for that one request may go all the same, or a slow store would let none out.
        """
        self._left, self._until, self._drawn_at = count, asked_at + GRANT_SECONDS, asked_at
        self._late = answered_at is not None and answered_at >= self._until
        if self._late and answered_at is not None:
            self._left, self._until = min(count, 1), answered_at + GRANT_SECONDS


class SlowStart:
    """The pace of all requests to hosts that have just come back."""

    __slots__ = ("_next_at", "_per_second", "_since")

    def __init__(self, per_second: float, since: float) -> None:
        self._per_second = per_second
        self._since = since
        self._next_at = since

    def over(self, now: float) -> bool:
        """Whether the full rate is reached."""
        return share(now - self._since) >= 1.0

    def turn(self, now: float, patience: float) -> float | None:
        """Seconds until it is the caller's turn, which is taken with this; None where it would be beyond patience."""
        at = max(now, self._next_at)
        if at - now > patience:
            return None
        self._next_at = at + 1.0 / (self._per_second * share(at - self._since))
        return at - now
