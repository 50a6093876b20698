"""The proof: what the topics say, and nothing else, makes the database that availability answers from."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from calsync_bootstrap.comparison import Difference, Sum, agree, difference
from calsync_bootstrap.kept import Kept, Pair, side_by_side
from calsync_bootstrap.rebuilt import Rebuilt
from calsync_bootstrap.topics import ORDER, Ends, Topics

_LOOKS: Final = (1.0, 2.0, 4.0)
"""Seconds before each further look at what differs: users go on living, and what moved just then is no difference."""
_ASK_SECONDS: Final = 0.2


class LiveIsBehind(Exception):
    """Availability has not applied so many records within the time it was given; nothing was compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. Equal hashes and no difference say the same, one of them in a single line."""

    live: Sum
    rebuilt: Sum
    differences: tuple[Difference, ...]
    records: int
    refused: int
    seconds: float

    @property
    def equal(self) -> bool:
        return not self.differences


class Verify:
    """Fill the empty timeline up to where the topics end now, wait until the living one is as far, and compare.

    Meanwhile users go on living. What differs is therefore looked at again, a little later, with the topics read up
    to their ends of then: only what differs each time is a difference.
    """

    def __init__(self, topics: Topics, rebuilt: Rebuilt, sides: tuple[Kept, Kept], patience: float) -> None:
        self._topics = topics
        self._rebuilt = rebuilt
        self._sides = sides
        self._patience = patience
        self._live, self._new = Sum(), Sum()

    async def __call__(self) -> Verdict:
        """Raises LiveIsBehind, Silent, and what MongoDB and Kafka raise."""
        began = time.monotonic()
        await self._catch_up()
        suspects = [pair async for pair in side_by_side(*self._sides) if not self._settled(pair)]
        for seconds in _LOOKS:
            if suspects:
                await asyncio.sleep(seconds)
                await self._catch_up()
                suspects = [pair for pair in await self._again(suspects) if not self._settled(pair)]
        for pair in suspects:
            self._count(pair)
        return Verdict(
            live=self._live,
            rebuilt=self._new,
            differences=tuple(difference(*pair) for pair in suspects),
            records=self._rebuilt.read,
            refused=self._rebuilt.refused,
            seconds=time.monotonic() - began,
        )

    async def _catch_up(self) -> None:
        ends = await self._topics.ends()
        for topic in ORDER:
            async for records in self._topics.up_to(topic, ends):
                await self._rebuilt.take(topic, records)
        await self._live_is_there(ends)

    async def _live_is_there(self, ends: Ends) -> None:
        until = time.monotonic() + self._patience
        while behind := await self._topics.behind(ends):
            if time.monotonic() > until:
                raise LiveIsBehind(f"availability has not applied {behind} records within {self._patience:.0f} s")
            await asyncio.sleep(_ASK_SECONDS)

    async def _again(self, suspects: Collection[Pair]) -> list[Pair]:
        ids = [(live or rebuilt or {})["_id"] for live, rebuilt in suspects]
        live, rebuilt = [await side.some(ids) for side in self._sides]
        return [(live.get(one), rebuilt.get(one)) for one in ids]

    def _settled(self, pair: Pair) -> bool:
        """Count the pair and be done with it, if both agree."""
        if not agree(*pair):
            return False
        self._count(pair)
        return True

    def _count(self, pair: Pair) -> None:
        self._live.add(pair[0])
        self._new.add(pair[1])
