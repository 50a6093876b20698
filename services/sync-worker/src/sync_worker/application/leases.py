"""Who works on what."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from sync_worker.application.claim import Claim

Busy = Mapping[str, int]
"""How many passes a worker is at, by CrocoClick account."""
MANY: Final = 1_000
IDLE: Final[Busy] = MappingProxyType({})


class Leases(Protocol):
    """Due connections, handed out so that each has one worker at a time.

    A lease that is not extended lapses; the next claim of that connection carries a larger fence. Where more is due
    than asked for, the places go to the CrocoClick accounts that have the fewest, and within an account to the longest
    due (docs/adr/0014).
    """

    async def claim(self, limit: int, busy: Busy = IDLE, *, imports: int = MANY) -> Sequence[Claim]:
        """Take up to `limit` due connections; each for the lease's length.

        First of all those that have never been read to the end, but no more than `imports` of them.
        """

    async def claim_urgent(self, limit: int, busy: Busy = IDLE) -> Sequence[Claim]:
        """The same among those that somebody waits for; a crowd of others that are due does not slow it down."""

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Extend the leases. Returns those that are lost."""

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give the leases back early; what was due stays due."""
