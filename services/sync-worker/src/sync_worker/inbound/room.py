"""How many passes a process has room for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from sync_worker.application.claim import Claim, State

_PLACES_AN_IMPORT_TAKES: Final = 25
"""A first import holds whole listings and pages of objects where a usual pass holds next to nothing, and it takes long.
Of 200 places: eight imports at once."""
_IMPORTS_AT_LEAST: Final = 4
_KEPT_FREE: Final = 10
"""One place in so many is kept for those that somebody waits for."""
_WHEN_SHORT: Final = 8
"""What memory once held seldom goes back to the system, so a process that is past its limit goes on, with an eighth."""


def plenty() -> bool:
    """Memory is never short."""
    return False


@dataclass(frozen=True, slots=True)
class Room:
    """`places` for passes; `short` tells whether memory is past its limit now."""

    places: int
    short: Callable[[], bool] = plenty

    def free(self, running: Collection[Claim]) -> int:
        """Places for whatever is due."""
        return self.free_for_urgent(running) - self._kept

    def free_for_urgent(self, running: Collection[Claim]) -> int:
        """Places for those that somebody waits for."""
        return self._places - len(running)

    def free_for_imports(self, running: Collection[Claim]) -> int:
        """How many of the free places may be given to connections that have never been read."""
        most = 1 if self.short() else max(self.places // _PLACES_AN_IMPORT_TAKES, _IMPORTS_AT_LEAST)
        return max(most - sum(map(_first_import, running)), 0)

    @property
    def _places(self) -> int:
        return min(max(self.places // _WHEN_SHORT, 2), self.places) if self.short() else self.places

    @property
    def _kept(self) -> int:
        return min(max(self._places // _KEPT_FREE, 1), self._places - 1)


def _first_import(claim: Claim) -> bool:
    return claim.state is State.ACTIVE and claim.as_of is None
