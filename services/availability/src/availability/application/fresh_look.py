"""A look at iCloud before a booking, for those who ask for one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from availability.application.refusals import KnowledgeTooOld
from availability.application.timeline import Timeline
from availability.domain.freshness import Ageing, Connection, freshness
from availability.domain.intervals import Window
from availability.domain.looks import Verdict, judge
from availability.domain.users import User

PATIENCE: Final = timedelta(seconds=10)
"""A look takes a second or two. Whoever books waits no longer than this."""
_EVERY: Final = timedelta(milliseconds=150)
CommonClock = Callable[[], Awaitable[datetime]]
"""The clock by which workers tell up to when they have read, whatever that of this process says. Raises AskLater."""


class NobodyToAsk(Exception):
    """The workers cannot be reached."""


class Workers(Protocol):
    """The way to the workers."""

    async def ask(self, user: User, connections: Sequence[Connection], at: datetime) -> None:
        """Ask for a look at these connections now; return once it is certain to be heard. Raises NobodyToAsk."""


class LookFirst:
    """Sees to it that a user's calendars are known for a time, as of `max_age` ago, at most.

    What is old is asked for anew and waited for, ten seconds at most, asking Kafka included. Whichever process
    applies what the workers then find: it is seen in the timeline. A user without a connection has nothing to look at.
    Ages are counted by the one clock that tells them, in whole seconds, as workers tell them.
    """

    def __init__(
        self,
        timeline: Timeline,
        workers: Workers,
        clock: CommonClock,
        *,
        patience: timedelta = PATIENCE,
        every: timedelta = _EVERY,
    ) -> None:
        self._timeline = timeline
        self._workers = workers
        self._clock = clock
        self._patience = patience.total_seconds()
        self._every = every.total_seconds()

    async def __call__(self, user: User, window: Window, max_age: timedelta) -> None:
        """Return when the knowledge is new enough. Raises KnowledgeTooOld, AskLater."""
        now = await self._clock()
        asked = now.replace(microsecond=0)
        wanted = asked - max_age
        connections = await self._connections(user, asked)
        verdict = judge(connections, window, wanted, asked=None)
        if verdict is Verdict.LOOK:
            try:
                async with asyncio.timeout(self._patience):
                    await self._workers.ask(user, connections, now)
                    while verdict is Verdict.LOOK:
                        await asyncio.sleep(self._every)
                        connections = await self._connections(user, asked)
                        verdict = judge(connections, window, wanted, asked)
            except (TimeoutError, NobodyToAsk):
                verdict = Verdict.HOPELESS
        if verdict is Verdict.HOPELESS:
            raise KnowledgeTooOld(freshness(connections, Ageing(asked, max_age), window))

    async def _connections(self, user: User, at: datetime) -> Sequence[Connection]:
        second = int(at.timestamp())
        known = await self._timeline.known(user.account_id, user.user_id, Window(second, second + 1))
        return known.connections
