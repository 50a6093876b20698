"""What a 401 of Apple's comes to."""

from datetime import timedelta
from typing import Protocol

from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.claim import Claim
from sync_worker.application.endings import Postponed, Stopped
from sync_worker.application.tell import Tell, rejected
from sync_worker.domain import rejections
from sync_worker.domain.cadence import chance
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.waves import Refused, is_wave

_log = get_logger("sync_worker.refuse")


class Refusals(Protocol):
    """What the whole fleet sees."""

    async def lately(self) -> Refused:
        """Count the connections that Apple refuses, and those that are looked at."""


class Refuse:
    """Decides whether a connection's credential is dead, and says so once it is certain.

    It is after several spaced 401s, over the time in which everybody else is looked at once, unless so many are refused
    that it must be Apple's doing (docs/adr/0015). Until then the connection is asked again, seldom within a wave.
    """

    def __init__(self, tell: Tell, refusals: Refusals, between_looks: timedelta) -> None:
        """`between_looks` is the longest time between two looks at an account."""
        self._tell = tell
        self._refusals = refusals
        self._patience = rejections.patience(between_looks)

    async def __call__(self, claim: Claim) -> Postponed | Stopped:
        """One more 401."""
        counted = rejections.rejected(claim.rejections, claim.claimed_at)
        metrics.REFUSED.inc()
        if await self._wave(claim, counted):
            counted = rejections.in_a_wave(counted)
            metrics.SPARED.inc()
            _log.warning("credential_not_judged", reason="wave", since=counted.first.isoformat())
        elif rejections.confirmed(counted, self._patience):
            _log.warning("credential_rejected", count=counted.count)
            await self._tell.say(rejected(claim, claim.last_revision, counted))
            return Stopped(counted)
        else:
            _log.warning("credential_refused", count=counted.count)
        again_in = rejections.again_in(counted, self._patience, chance(claim.connection_id, claim.fence))
        return Postponed(again_in, claim.failures, rejections=counted)

    async def _wave(self, claim: Claim, counted: Rejections) -> bool:
        asks = rejections.asks_for_a_wave(claim.rejections, counted, self._patience)
        if not asks or rejections.outlasts_a_wave(counted):
            return False
        return is_wave(await self._refusals.lately())
