"""The end of a connection."""

from collections.abc import Sequence
from typing import Protocol

from contracts.events import RemovalReason
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Passes
from sync_worker.application.publish_states import BATCH, Events, removed
from sync_worker.domain.outbox import Known, removal


class Remains(Protocol):
    """What is still kept of a connection in erasure."""

    async def remaining(self, claim: Claim, limit: int) -> Sequence[Known]:
        """Any of it, gone ones included."""

    async def erase(self, claim: Claim, event_ids: Sequence[str]) -> None:
        """Delete without a trace. Raises LeaseLost when the claim's fence is overtaken."""


class Copies(Protocol):
    """What is known of the appointments that the connection wrote into iCloud."""

    async def forget(self, claim: Claim) -> None:
        """Nothing is known any more of what the connection wrote; what is wanted stays wanted."""


class EraseConnection:
    """Takes every event of a connection back and forgets it. What it wrote in iCloud stays there: it is the user's.

    Nothing is written before Kafka has the removals, so a repeat after a crash says the same again.
    """

    def __init__(self, remains: Remains, copies: Copies, events: Events, passes: Passes) -> None:
        self._remains = remains
        self._copies = copies
        self._events = events
        self._passes = passes

    async def __call__(self, claim: Claim) -> int:
        """Erase; returns how many objects there were."""
        count = 0
        as_of = int(claim.claimed_at.timestamp())
        while remaining := await self._remains.remaining(claim, BATCH):
            # A gone one is said again too: it costs little, and nobody needs to know whether Kafka has it.
            gone = (
                removal(one, epoch=claim.epoch, as_of=as_of, reason=RemovalReason.DISCONNECTED) for one in remaining
            )
            claim.lease.check()
            await self._events.publish([said for one in gone for said in removed(claim, one)])
            await self._remains.erase(claim, [one.event_id for one in remaining])
            count += len(remaining)
        await self._copies.forget(claim)
        await self._passes.bury(claim)
        return count
