"""What is done with a claimed connection, and when it is looked at next."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from icloud import CredentialsRejected, HeldBack, ICloudError, TryLater
from runtime.logs import get_logger
from sync_worker.application import metrics
from sync_worker.application.accounts import CredentialUnusable
from sync_worker.application.claim import Claim, State
from sync_worker.application.endings import Completed, Ending, Passes, Postponed
from sync_worker.application.erase_connection import EraseConnection
from sync_worker.application.export_appointments import may_write
from sync_worker.application.fleet import HELD_BACK_FOR
from sync_worker.application.refuse import Refuse
from sync_worker.application.sync_account import Read, SyncAccount
from sync_worker.application.turnstile import THROTTLED
from sync_worker.domain.cadence import Bounds, next_look, next_try
from sync_worker.domain.rejections import Rejections

_INFRASTRUCTURE_AGAIN_IN: Final = timedelta(seconds=5)
"""MongoDB or Kafka failed, not Apple: nothing of Apple's is asked again before what is pending could be published."""

_log = get_logger("sync_worker.run_pass")


class RunPass:
    """Reads or erases one claimed connection, then gives its lease back with the time of the next look."""

    def __init__(
        self, sync: SyncAccount, erase: EraseConnection, refuse: Refuse, passes: Passes, bounds: Bounds
    ) -> None:
        """`bounds` is the time between two looks at an account with which all is well."""
        self._sync = sync
        self._erase = erase
        self._refuse = refuse
        self._passes = passes
        self._bounds = bounds

    async def __call__(self, claim: Claim) -> None:
        """Raises LeaseLost when somebody else has taken over, and whatever MongoDB and Kafka raise."""
        if claim.state is State.ERASING:
            objects = await self._erase(claim)
            metrics.passes("erased", metrics.kind_of(claim)).inc()
            _log.info("connection_erased", objects=objects)
            return
        await self._passes.end(claim, await self._outcome(claim))

    async def put_off(self, claim: Claim) -> None:
        """Repeat the pass soon: it broke for a reason that lies with us."""
        again_in = _INFRASTRUCTURE_AGAIN_IN * min(claim.failures + 1, 12)
        await self._passes.end(claim, Postponed(again_in, claim.failures + 1, rejections=_rejections(claim)))

    async def _outcome(self, claim: Claim) -> Ending:
        try:
            read = await self._sync(claim)
        except CredentialsRejected:
            return self._postponed(claim, None) if claim.trail.accepted else await self._refused(claim)
        except HeldBack as held:
            return self._held_back(claim, held)
        except TryLater as later:
            _log.info("pass_postponed", reason=later.reason)
            return self._postponed(claim, later.after)
        except ICloudError as error:
            _log.warning("pass_failed", reason=type(error).__name__, detail=str(error))
            return self._postponed(claim, None)
        except CredentialUnusable as unusable:
            if unusable.reason == "absent":
                _log.info("credential_unusable", reason="absent")  # a disconnect that this worker has yet to hear of
            else:
                _log.error("credential_unusable", reason=unusable.reason)
            return self._postponed(claim, None)
        return self._completed(claim, read)

    async def _refused(self, claim: Claim) -> Ending:
        metrics.passes("refused", metrics.kind_of(claim)).inc()
        return await self._refuse(claim)

    def _completed(self, claim: Claim, read: Read) -> Completed:
        now, changed = claim.claimed_at, bool(read.imported or read.removed)
        activity = replace(claim.activity, changed_at=now) if changed else claim.activity
        if read.outlook:
            activity = replace(activity, next_appointment_at=read.outlook.next_appointment_at)
        again_in = next_look(claim.connection_id, claim.passes, bounds=self._bounds, activity=activity, now=now)
        due_at = read.outlook.due_at if read.outlook else claim.exports.due_at
        if due_at is not None and may_write(claim):
            again_in = min(again_in, max(due_at - now, timedelta(0)))
        metrics.passes("completed", metrics.kind_of(claim)).inc()
        if changed and claim.as_of is not None:
            metrics.UNSEEN.observe((now - claim.as_of).total_seconds())
        # Nothing new at one of thousands of accounts is no news; it is counted.
        if changed or read.behind:
            _log.info("pass_completed", imported=read.imported, removed=read.removed, behind=read.behind)
        home = claim.home.news(read.home)
        return Completed(read.as_of, again_in, home, changed=changed, outlook=read.outlook)

    def _held_back(self, claim: Claim, held: HeldBack) -> Postponed:
        """We ourselves kept the request in: nothing has failed, so nothing is counted and nothing backs off."""
        metrics.passes("held_back", metrics.kind_of(claim)).inc()
        _log.info("pass_held_back", reason=held.reason)
        usual = next_look(
            claim.connection_id, claim.passes, bounds=self._bounds, activity=claim.activity, now=claim.claimed_at
        )
        after = held.after or usual
        asked = after if held.reason == THROTTLED else None
        # Somebody sits before a first import: it comes again as soon as it has a chance.
        again_in = after if claim.as_of is None else max(after, usual, HELD_BACK_FOR)
        return Postponed(again_in, claim.failures, asked=asked, rejections=_rejections(claim))

    def _postponed(self, claim: Claim, asked: timedelta | None) -> Postponed:
        metrics.passes("postponed", metrics.kind_of(claim)).inc()
        failures = claim.failures + 1
        again_in = next_try(
            claim.connection_id, claim.passes, bounds=self._bounds, failures=failures, retry_after=asked
        )
        return Postponed(again_in, failures, asked=asked, rejections=_rejections(claim))


def _rejections(claim: Claim) -> Rejections | None:
    """Anything that Apple accepts ends a row of 401s."""
    return None if claim.trail.accepted else claim.rejections
