"""What is done with a claimed connection, and when it is looked at next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from icloud import CredentialsRejected, ICloudError, TryLater
from runtime.clock import Clock
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.accounts import CredentialUnusable
from sync_worker.application.claim import Claim, State
from sync_worker.application.endings import Completed, Ending, Passes, Postponed, Stopped
from sync_worker.application.erase_connection import EraseConnection
from sync_worker.application.sync_account import Read, SyncAccount
from sync_worker.application.tell import Tell, rejected
from sync_worker.domain import rejections
from sync_worker.domain.cadence import next_wait

_INFRASTRUCTURE_AGAIN_IN: Final = timedelta(seconds=5)
"""MongoDB or Kafka failed, not Apple: nothing of Apple's is asked again before what is pending could be published."""

_log = get_logger("sync_worker.run_pass")


@dataclass(frozen=True, slots=True)
class Pace:
    """The time, and how much of it lies between two looks at an account with which all is well."""

    clock: Clock
    interval: timedelta


class RunPass:
    """Reads or erases one claimed connection, then gives its lease back with the time of the next look."""

    def __init__(self, sync: SyncAccount, erase: EraseConnection, tell: Tell, passes: Passes, pace: Pace) -> None:
        self._sync = sync
        self._erase = erase
        self._tell = tell
        self._passes = passes
        self._pace = pace

    async def __call__(self, claim: Claim) -> None:
        """Raises LeaseLost when somebody else has taken over, and whatever MongoDB and Kafka raise."""
        if claim.state is State.ERASING:
            objects = await self._erase(claim)
            metrics.PASSES.labels("erased").inc()
            _log.info("connection_erased", objects=objects)
            return
        await self._passes.end(claim, await self._outcome(claim))

    async def put_off(self, claim: Claim) -> None:
        """Repeat the pass soon: it broke for a reason that lies with us."""
        again_in = _INFRASTRUCTURE_AGAIN_IN * min(claim.failures + 1, 12)
        await self._passes.end(claim, Postponed(again_in, claim.failures + 1, rejections=claim.rejections))

    async def _outcome(self, claim: Claim) -> Ending:
        try:
            read = await self._sync(claim)
        except CredentialsRejected:
            return await self._refused(claim)
        except TryLater as later:
            _log.info("pass_postponed", reason=later.reason)
            return self._postponed(claim, later.after)
        except ICloudError as error:
            _log.warning("pass_failed", reason=type(error).__name__, detail=str(error))
            return self._postponed(claim, None)
        except CredentialUnusable as unusable:
            _log.error("credential_unusable", reason=unusable.reason)
            return self._postponed(claim, None)
        return self._completed(claim, read)

    def _completed(self, claim: Claim, read: Read) -> Completed:
        again_in = next_wait(claim.connection_id, claim.passes, base=self._pace.interval)
        metrics.PASSES.labels("completed").inc()
        _log.info("pass_completed", imported=read.imported, removed=read.removed, behind=read.behind)
        return Completed(read.as_of, again_in, read.home)

    def _postponed(self, claim: Claim, asked: timedelta | None) -> Postponed:
        metrics.PASSES.labels("postponed").inc()
        failures = claim.failures + 1
        again_in = next_wait(
            claim.connection_id, claim.passes, base=self._pace.interval, failures=failures, retry_after=asked
        )
        return Postponed(again_in, failures, asked=asked, rejections=claim.rejections)

    async def _refused(self, claim: Claim) -> Ending:
        counted = rejections.rejected(claim.rejections, self._pace.clock())
        metrics.REFUSED.inc()
        _log.warning("credential_refused", count=counted.count)
        if not counted.final:
            return Postponed(rejections.AGAIN_IN, claim.failures, rejections=counted)
        await self._tell.say(rejected(claim, claim.last_revision, counted))
        return Stopped(counted)
