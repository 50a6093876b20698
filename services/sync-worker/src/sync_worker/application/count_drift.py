"""What a full listing really put right."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Protocol

from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.reading import Drift
from sync_worker.domain.outbox import Known
from sync_worker.domain.tracked import PutRight

_log = get_logger("sync_worker.count_drift")


class Objects(Protocol):
    """The kept objects."""

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        """Those that are kept, gone ones included, by event id."""


class CountDrift:
    """Counts what was read and found to say something else, or was removed."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def __call__(self, claim: Claim, drift: Drift | None) -> PutRight | None:
        """None where it cannot be told."""
        if drift is None or not (drift.news or drift.extra):
            return None if drift is None else PutRight()
        known = await self._objects.known(claim, [*drift.news, *drift.extra])
        repaired = drift.repaired({one: (each.revision, each.alive) for one, each in known.items()})
        counts: dict[str, int] = asdict(repaired)
        for kind, count in counts.items():
            metrics.DRIFT.labels(kind).inc(count)
        if any(counts.values()):
            _log.warning("drift_repaired", **counts)
        return repaired
