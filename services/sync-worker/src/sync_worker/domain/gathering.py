"""Where the occurrences of one calendar object come together."""

from sync_worker.domain.budget import Refused
from sync_worker.domain.values import FactGroup, Facts, Flaw, Span

OCCURRENCES = 5000


class Gathering:
    """The occurrences of one object that touch the horizon, by their facts."""

    def __init__(self, horizon: Span) -> None:
        self.horizon = horizon
        self._spans: dict[Facts, set[tuple[int, int]]] = {}
        self._left = OCCURRENCES

    def add(self, facts: Facts, start: int, end: int) -> None:
        """Take an occurrence, its travel put before it. Raise `Refused` past the most an object may have."""
        start -= facts.travel_seconds
        if not self.horizon.touches(start, end):
            return
        spans = self._spans.get(facts)
        if spans is not None and (start, end) in spans:
            return
        if not self._left:
            raise Refused(Flaw.TOO_MANY_OCCURRENCES)
        self._left -= 1
        if spans is None:
            spans = self._spans[facts] = set()
        spans.add((start, end))

    def groups(self) -> tuple[FactGroup, ...]:
        """Everything gathered, in an order that depends on nothing but itself."""
        return tuple(FactGroup(facts, tuple(sorted(self._spans[facts]))) for facts in sorted(self._spans))
