"""A bound on the work that one calendar object may cause."""

from sync_worker.domain.values import Flaw


class Refused(Exception):
    """A part of the object cannot be read; the rest is read on."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


class Budget:
    """Counts steps (one candidate of a rule, about a microsecond) and refuses past the limit."""

    __slots__ = ("_left",)

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Raise `Refused` when the object has caused more work than one object may."""
        self._left -= steps
        if self._left < 0:
            raise Refused(Flaw.TOO_MUCH_WORK)

    def half(self) -> "Budget":
        """Half of what is left, for work that must not use up the rest."""
        self._left //= 2
        return Budget(self._left)
