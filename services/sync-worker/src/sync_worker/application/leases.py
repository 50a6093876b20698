"""Who works on what."""

from collections.abc import Sequence
from typing import Protocol

from sync_worker.application.claim import Claim


class Leases(Protocol):
    """Due connections, handed out so that each has one worker at a time.

    A lease that is not extended lapses; the next claim of that connection carries a larger fence.
    """

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Take up to `limit` due connections; each for the lease's length."""

    async def extend(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Extend the leases. Returns those that are lost."""

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give the leases back early; what was due stays due."""
