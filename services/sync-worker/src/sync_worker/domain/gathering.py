"""Where the occurrences of one calendar object come together."""

from sync_worker.domain.budget import Refused
from sync_worker.domain.values import FactGroup, Facts, Flaw, Span
from sync_worker.domain.zones import FIRST, LAST

OCCURRENCES = 5000


class Gathering:
    """The occurrences of one object that touch the horizon, by their facts."""

    def __init__(self, horizon: Span) -> None:
        self.horizon = horizon
        self._spans: dict[Facts, set[tuple[int, int]]] = {}
        # Those of the facts that came last: a series has the same ones hundreds of times.
        self._facts: Facts | None = None
        self._taken: set[tuple[int, int]] = set()
        self._left = OCCURRENCES

    def add(self, facts: Facts, start: int, end: int) -> None:
        """Take an occurrence, its travel put before it. Raise `Refused` past the most an object may have.

        One that ends before it starts is refused too: nobody could be told of it.
        """
        if end < start:
            raise Refused(Flaw.TIME_MALFORMED)
        start -= facts.travel_seconds
        if not self.horizon.touches(start, end):
            return
        if start < FIRST or end > LAST:
            start, end = max(start, FIRST), min(end, LAST)
        if facts is not self._facts:
            self._facts, self._taken = facts, self._spans.setdefault(facts, set())
        if (start, end) in self._taken:
            return
        if not self._left:
            raise Refused(Flaw.TOO_MANY_OCCURRENCES)
        self._left -= 1
        self._taken.add((start, end))

    def groups(self) -> tuple[FactGroup, ...]:
        """Everything gathered, in an order that depends on nothing but itself."""
        return tuple(
            FactGroup(facts, tuple(sorted(self._spans[facts]))) for facts in sorted(self._spans) if self._spans[facts]
        )
