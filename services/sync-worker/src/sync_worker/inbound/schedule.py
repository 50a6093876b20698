"""The clockwork: due connections are claimed, passes run over them, leases are kept alive."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, NoReturn, Protocol

from structlog.contextvars import bind_contextvars

from runtime import tracing
from runtime.kafka import PublishFailed
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure
from runtime.tracing import Kind
from sync_worker.application import metrics
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.leases import Busy, Leases
from sync_worker.inbound.room import Room, plenty

_BATCH: Final = 50
"""Connections claimed at once (docs/adr/0010)."""
_IDLE_SECONDS: Final = 0.4
"""Between two looks when nothing is due: what a user waits for at most, at four small queries each. The more was due,
the sooner the next one: a claim of fifty costs no more than one of three, and either takes six calls of the driver."""
_REFILL_SECONDS: Final = 0.1
"""After a place has come free while all were taken."""
_TROUBLED_SECONDS: Final = 2.0
_BEATS: Final = 3
"""Heartbeats within one lease, so that one may fail."""
_STUCK_SECONDS: Final = 60.0
_LONGEST_PASS: Final = timedelta(minutes=15)
"""A longer one is broken off and goes on from what it has done."""
_STOP_SECONDS: Final = 1.0
"""For passes to end; as long again is left for giving back the leases."""

_log = get_logger("sync_worker.schedule")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many passes run at once, how long a lease lasts without a heartbeat, and whether memory is short now."""

    at_once: int
    lease: timedelta
    memory_short: Callable[[], bool] = plenty


class Passing(Protocol):
    """What is done with a claimed connection."""

    async def __call__(self, claim: Claim) -> None:
        """One pass. Raises LeaseLost when somebody else has taken over; after any other error it is to be repeated."""

    async def put_off(self, claim: Claim) -> None:
        """The pass broke; give the connection back for soon."""


class Schedule:
    """Runs passes over due connections until it is cancelled; then lets go of all of them within two seconds.

    Those that somebody waits for come first, and have places of their own (docs/adr/0014).
    A pass that is broken off anywhere is repeated by whoever claims the connection next.
    """

    def __init__(self, leases: Leases, run_pass: Passing, rhythm: Rhythm) -> None:
        self._leases = leases
        self._run_pass = run_pass
        self._rhythm = rhythm
        self._room = Room(rhythm.at_once, rhythm.memory_short)
        self._claiming: asyncio.Task[Sequence[Claim]] | None = None
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._turned_at: float | None = None

    async def run(self) -> None:
        """Never returns by itself."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forever(self._turn))
                both.create_task(self._forever(self._beat))
        finally:
            await self._let_go()

    def unwell(self) -> str | None:
        """A liveness check: None while it keeps looking for due connections."""
        age = 0.0 if self._turned_at is None else _now() - self._turned_at
        return f"has not looked for due connections for {age:.0f} s" if age > _STUCK_SECONDS else None

    async def _forever(self, step: Callable[[], Awaitable[float]]) -> NoReturn:
        """Repeat `step`, with the pause it asks for."""
        while True:
            try:
                pause = await step()
            except Exception as error:  # noqa: BLE001 - the outermost loop: MongoDB comes back, and a fault of ours is told
                _tell("schedule_troubled", error)
                pause = _TROUBLED_SECONDS
            # The schedule turns even while MongoDB is away: a restart would not help it.
            self._turned_at = _now()
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, guards nothing

    async def _turn(self) -> float:
        await self._fill(self._leases.claim_urgent, self._room.free_for_urgent(self._running.values()))
        free = self._room.free(self._running.values())
        imports = self._room.free_for_imports(self._running.values())
        others = await self._fill(partial(self._leases.claim, imports=imports), free)
        metrics.RUNNING.set(len(self._running))
        if others < free or others == _BATCH:
            return _IDLE_SECONDS * (1 - others / _BATCH)
        await asyncio.wait(self._running, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return _REFILL_SECONDS

    async def _fill(self, claim: Callable[[int, Busy], Coroutine[Any, Any, Sequence[Claim]]], places: int) -> int:
        """Claim for so many places and begin; returns how many were claimed."""
        if places <= 0:
            return 0
        busy = Counter(one.account_id for one in self._running.values())
        # A claim that is cut off half way has been made all the same, and is to be given back.
        self._claiming = asyncio.create_task(claim(min(_BATCH, places), busy))
        claims = await asyncio.shield(self._claiming)
        self._claiming = None
        metrics.CLAIMED.inc(len(claims))
        for one in claims:
            task = asyncio.create_task(self._pass(one))
            self._running[task] = one
            task.add_done_callback(self._running.pop)
        return len(claims)

    async def _beat(self) -> float:
        running = {claim.lease.token + claim.connection_id: task for task, claim in self._running.items()}
        for lost in await self._leases.extend(list(self._running.values())):
            task = running[lost.lease.token + lost.connection_id]
            # One that has ended meanwhile gave its lease back by itself, or hears of its loss in doing so.
            if not (task.done() or lost.lease.on_its_way_back):
                metrics.LEASES_LOST.inc()
                _log.warning("lease_lost", connection_id=lost.connection_id, fence=lost.fence)
                task.cancel()
        return self._rhythm.lease.total_seconds() / _BEATS

    async def _pass(self, claim: Claim) -> None:
        claim.trail.began, kind = _now(), metrics.kind_of(claim)
        # For good: a pass is a task, and what is bound in it ends with it.
        bind_contextvars(connection_id=claim.connection_id, account_id=claim.account_id, fence=claim.fence)
        with tracing.begin("pass", Kind.INTERNAL, parent=claim.trail.trace) as span:
            span.tell(kind=kind, result="done")
            try:
                async with asyncio.timeout(_LONGEST_PASS.total_seconds()):
                    await self._run_pass(claim)
            except LeaseLost:
                span.tell(result="lease_lost")
                metrics.passes("lease_lost", kind).inc()
                await self._overtaken(claim)
            except Exception as error:  # noqa: BLE001 - where a pass's fate is chosen: it is repeated
                span.tell(result="broken")
                metrics.passes("broken", kind).inc()
                _tell("pass_broken", error)
                await self._put_off(claim)
            metrics.pass_seconds(kind).observe(_now() - claim.trail.began)

    async def _put_off(self, claim: Claim) -> None:
        try:
            await self._run_pass.put_off(claim)
        except LeaseLost:
            await self._overtaken(claim)
        except Exception as error:  # noqa: BLE001 - MongoDB is away: the lease lapses, and the pass is repeated then
            _tell("pass_left_to_its_lease", error)

    async def _overtaken(self, claim: Claim) -> None:
        """Somebody else works on it by now, or it has changed under the pass: then it need not wait for the lease."""
        metrics.LEASES_LOST.inc()
        _log.info("pass_overtaken")
        try:
            await self._leases.release([claim])
        except Exception as error:  # noqa: BLE001 - it lapses all the same
            _tell("lease_left_to_lapse", error)

    async def _let_go(self) -> None:
        claims = list(self._running.values())
        for task in self._running:
            task.cancel()
        waited_for: set[asyncio.Task[Any]] = {*self._running, *([self._claiming] if self._claiming else [])}
        try:
            if waited_for:
                await asyncio.wait(waited_for, timeout=_STOP_SECONDS)
            claims += self._late()
            for claim in claims:
                claim.lease.give_up()
            async with asyncio.timeout(_STOP_SECONDS):
                await self._leases.release(claims)
        except Exception as error:  # noqa: BLE001 - the process ends: what is not released lapses
            _tell("leases_left_to_lapse", error)
        else:
            _log.info("leases_released", connections=len(claims))

    def _late(self) -> Sequence[Claim]:
        """What was claimed just before the end; nothing of it has begun."""
        claiming = self._claiming
        if claiming is None or not claiming.done() or claiming.cancelled() or claiming.exception():
            return []
        return claiming.result()


def _tell(event: str, error: Exception) -> None:
    """Infrastructure's absence in one line; a fault of ours with its traceback."""
    if isinstance(error, PublishFailed | TimeoutError) or is_infrastructure(error):
        _log.warning(event, reason=type(error).__name__)
    else:
        _log.error(event, exc_info=error)


def _now() -> float:
    return asyncio.get_running_loop().time()
