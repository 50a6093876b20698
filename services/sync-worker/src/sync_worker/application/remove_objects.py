"""Taking events back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from contracts.events import RemovalReason
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.publish_states import BATCH, PublishStates
from sync_worker.domain.outbox import Known, Refresh, State, removal
from sync_worker.domain.ownership import frees_nothing


class Objects(Protocol):
    """The kept objects, as in `import_objects`."""

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]: ...

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None: ...


class RemoveObjects:
    """Turns objects into gravestones and says so on Kafka."""

    def __init__(self, objects: Objects, publish: PublishStates) -> None:
        self._objects = objects
        self._publish = publish

    async def frees(self, claim: Claim, event_ids: Sequence[str]) -> bool:
        """Whether any of these is there; nothing becomes free when appointments of ours go that lie as agreed."""
        for start in range(0, len(event_ids), BATCH):
            known = await self._objects.known(claim, event_ids[start : start + BATCH])
            if any(one.alive and not frees_nothing(one) for one in known.values()):
                return True
        return False

    async def __call__(self, claim: Claim, event_ids: Sequence[str], *, as_of: int, reason: RemovalReason) -> int:
        """Remove those that are there; returns how many these were."""
        count = 0
        for start in range(0, len(event_ids), BATCH):
            known = await self._objects.known(claim, event_ids[start : start + BATCH])
            gone = [removal(one, epoch=claim.epoch, as_of=as_of, reason=reason) for one in known.values() if one.alive]
            if gone:
                await self._objects.write(claim, gone)
                await self._publish(claim, gone)
            count += len(gone)
        metrics.REMOVED.inc(count)
        return count
