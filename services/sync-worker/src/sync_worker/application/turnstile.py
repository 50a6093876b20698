"""Before the wire: what every request to Apple passes, and what is learnt from how it went."""

import asyncio
from datetime import timedelta
from typing import Final, Protocol

from icloud import Errand, Fate, HeldBack, Outcome, Unreachable
from runtime import tracing
from runtime.logs import get_logger
from runtime.tracing import Kind
from sync_worker.application import metrics
from sync_worker.application.allowance import Portion
from sync_worker.application.claim import Claim
from sync_worker.application.fleet import HELD_BACK_FOR, PATIENCE, Fleet
from sync_worker.domain.breaker import State, Verdict
from sync_worker.domain.hosts import Hosts

THROTTLED: Final = "throttled"
"""Apple asked for a pause, and it is not over."""
_BREAKER: Final = "breaker"
_AGAIN_IN: Final = HELD_BACK_FOR.total_seconds()
_PORTION: Final = 10
"""Requests drawn at once by a pass that needs many."""
_MOST_REMEMBERED: Final = 10_000
_SERVER_ERROR: Final = 500
_OF_THE_REQUEST: Final = frozenset({501, 505, 507})
_TOO_MANY_REQUESTS: Final = 429

_log = get_logger("sync_worker.turnstile")


class Shares(Protocol):
    """The accounts' own buckets, each kept with its connection."""

    async def draw(self, claim: Claim, wanted: int) -> Portion:
        """Settle what the pass owes, then take up to so many more. Raises LeaseLost, and what the store raises."""


class Gatehouse:
    """One per process: the fleet's budget, the accounts' shares and the breakers of Apple's hosts."""

    def __init__(self, fleet: Fleet, shares: Shares, hosts: Hosts) -> None:
        self._fleet = fleet
        self._shares = shares
        self._hosts = hosts
        self._left_alone: dict[str, float] = {}

    def of(self, claim: Claim) -> "AccountTurnstile":
        """The turnstile of one pass."""
        return AccountTurnstile(self, claim)

    async def admit(self, claim: Claim, errand: Errand) -> float:
        """Let one request go; the moment it went. The cheap refusals come first, the probe's place is taken last."""
        self._unless_left_alone(claim.connection_id)
        _unless(self._hosts.refusal(errand.origin, _now()))
        await self._share(claim)
        await self._slowly(errand.origin)
        await self._fleet.take()
        now = _now()
        _unless(self._hosts.enter(errand.origin, now, entry=errand.entry))
        return now

    def heard(self, claim: Claim, errand: Errand, outcome: Outcome, *, began: float) -> None:
        """Learn from one request."""
        now = _now()
        metrics.requests(errand.kind.value, _family(outcome)).inc()
        tracing.took(f"icloud {errand.kind.value}", Kind.CLIENT, now - began, result=_family(outcome))
        if outcome.alone is not None:
            self._leave_alone(claim.connection_id, now, outcome.alone)
        before, after = self._hosts.heard(errand.origin, verdict(outcome), claim.connection_id, began=began, now=now)
        if before is not after and State.CLOSED in (before, after):
            self._tell(entry=errand.entry)
            _log.warning("host_back" if after is State.CLOSED else "host_left_alone", host=_host(entry=errand.entry))

    def deserted(self, errand: Errand) -> bool:
        """Whether to ask the entry host where an account lives now that its host does not answer any more."""
        return self._hosts.deserted(errand.origin, _now())

    def _tell(self, *, entry: bool) -> None:
        """Counted anew whenever somebody looks: nothing happens at a host that nobody asks any more."""
        clock = asyncio.get_running_loop().time
        counted = metrics.HOSTS_LEFT_ALONE.labels(_host(entry=entry))
        counted.set_function(lambda: self._hosts.left_alone(clock(), entry=entry))

    async def _share(self, claim: Claim) -> None:
        while not claim.allowance.spend():
            portion = await self._shares.draw(claim, _PORTION)
            claim.allowance.settle(portion.count)
            if not portion.count:
                metrics.WAITED.labels("account").inc(portion.next_in)
                await asyncio.sleep(portion.next_in)

    async def _slowly(self, origin: str) -> None:
        wait = self._hosts.turn(origin, _now(), PATIENCE)
        if wait is None:
            raise _held(_AGAIN_IN, "slow_start")
        if wait:
            metrics.WAITED.labels("slow_start").inc(wait)
            await asyncio.sleep(wait)

    def _unless_left_alone(self, connection_id: str) -> None:
        until = self._left_alone.get(connection_id)
        if until is None:
            return
        if until > _now():
            raise _held(max(until - _now(), _AGAIN_IN), THROTTLED)
        del self._left_alone[connection_id]

    def _leave_alone(self, connection_id: str, now: float, pause: timedelta) -> None:
        """The store keeps it with the pass's end; should that fail, this worker at least remembers."""
        metrics.THROTTLED.inc()
        if len(self._left_alone) >= _MOST_REMEMBERED:
            self._left_alone = {one: until for one, until in self._left_alone.items() if until > now}
        if len(self._left_alone) < _MOST_REMEMBERED:
            self._left_alone[connection_id] = now + pause.total_seconds()


class AccountTurnstile:
    """Implements `icloud.Turnstile` for one pass. An account's requests follow one another."""

    __slots__ = ("_began", "_claim", "_gatehouse", "_sent_on")

    def __init__(self, gatehouse: Gatehouse, claim: Claim) -> None:
        self._gatehouse = gatehouse
        self._claim = claim
        self._began = 0.0
        self._sent_on = False

    async def admit(self, errand: Errand) -> None:
        """Return once the request may go. Raise Unreachable, once, where the account may have moved to another host."""
        try:
            self._began = await self._gatehouse.admit(self._claim, errand)
        except HeldBack as held:
            if self._sent_on or held.reason != _BREAKER or not self._gatehouse.deserted(errand):
                raise
            self._sent_on = True
            raise Unreachable(_BREAKER) from None

    def left(self, errand: Errand, outcome: Outcome) -> None:
        """Hear how it went."""
        self._gatehouse.heard(self._claim, errand, outcome, began=self._began)


def verdict(outcome: Outcome) -> Verdict:
    """What an errand says about its host."""
    if outcome.fate is Fate.ABANDONED:
        return Verdict.NOTHING
    if outcome.fate is Fate.LOST or outcome.status is None:
        return Verdict.BAD
    if outcome.status < _SERVER_ERROR:
        return Verdict.BUSY if outcome.status == _TOO_MANY_REQUESTS else Verdict.GOOD
    if outcome.retry_after is not None:
        return Verdict.BUSY
    return Verdict.GOOD if outcome.status in _OF_THE_REQUEST else Verdict.BAD


def _unless(refused: float | None) -> None:
    if refused is not None:
        raise _held(refused, _BREAKER)


def _held(seconds: float, reason: str) -> HeldBack:
    metrics.HELD_BACK.labels(reason).inc()
    return HeldBack(timedelta(seconds=seconds), reason)


def _family(outcome: Outcome) -> str:
    return "none" if outcome.status is None else f"{outcome.status // 100}xx"


def _host(*, entry: bool) -> str:
    return "entry" if entry else "partition"


def _now() -> float:
    return asyncio.get_running_loop().time()
