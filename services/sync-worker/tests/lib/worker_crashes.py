"""Processes that die at a chosen moment."""
# ruff: noqa: ANN401 - it stands before neighbours of any kind

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sync_worker.app import Neighbours
from sync_worker.application.claim import LeaseLost
from worker_stage import Stage


class Killed(BaseException):
    """The process is gone; nothing of it may run on."""


@dataclass
class Fate:
    """Dies at the `at`-th moment; a moment lies before and after each call to a neighbour."""

    at: int | None = None
    moments: int = 0
    where: str = ""

    def moment(self, where: str) -> None:
        self.moments += 1
        if self.moments - 1 == self.at:
            self.where = where
            raise Killed

    def over(self, neighbour: Any) -> Any:
        """The neighbour, with deadly moments around its calls."""
        return _Deadly(neighbour, self)


class _Deadly:
    def __init__(self, neighbour: Any, fate: Fate) -> None:
        self._neighbour = neighbour
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._neighbour, name)
        if inspect.isasyncgenfunction(found):
            return self._streaming(name, found)
        if name == "publish":
            return self._publishing(found)
        return self._calling(name, found) if inspect.iscoroutinefunction(found) else found

    def _calling(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def deadly(*arguments: Any, **named: Any) -> Any:
            self._fate.moment(f"before {name}")
            answer = await call(*arguments, **named)
            self._fate.moment(f"after {name}")
            return self._fate.over(answer) if name == "open" else answer

        return deadly

    def _publishing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Kafka may have any part of what a dying process was about to say."""

        async def deadly(said: Sequence[Any]) -> None:
            self._fate.moment("before publish")
            for one in said:
                await call([one])
                self._fate.moment("during publish")

        return deadly

    def _streaming(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def deadly(*arguments: Any) -> AsyncIterator[Any]:
            self._fate.moment(f"before {name}")
            async for one in call(*arguments):
                yield one
            self._fate.moment(f"after {name}")

        return deadly


def deadly(neighbours: Neighbours, fate: Fate) -> Neighbours:
    """The neighbours of a process with this fate."""
    return replace(
        neighbours,
        accounts=fate.over(neighbours.accounts),
        objects=fate.over(neighbours.objects),
        appointments=fate.over(neighbours.appointments),
        passes=fate.over(neighbours.passes),
        events=fate.over(neighbours.events),
    )


async def survive(stage: Stage, fate: Fate) -> None:
    """One pass of a process with this fate; whoever comes after it finishes the work."""
    if await die(stage, fate):
        await _next(stage)


async def die(stage: Stage, fate: Fate) -> bool:
    """One pass of a process with this fate, and nobody after it; whether it died of it."""
    claim = await stage.claim()
    try:
        await stage.worker(deadly(stage.neighbours(), fate))(claim)
    except Killed:
        # Stands for the time that passes until the dead one's lease has lapsed.
        await stage.store.leases().release([claim])
        return True
    return False


async def _next(stage: Stage) -> None:
    await stage.store.connections.wake(stage.connection_id)
    for claim in await stage.store.leases().claim(1):
        try:
            await stage.worker()(replace(claim, claimed_at=stage.now))
        except LeaseLost as lost:
            raise AssertionError("nobody else is there") from lost
