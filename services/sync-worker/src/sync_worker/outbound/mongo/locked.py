"""Writes to many documents, of which one may be locked by a transaction whose client has died.

MongoDB lets go of it after `transactionLifetimeLimitSeconds`. Until then a write that meets it waits, and with it all
that is written by the same command.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import pymongo
from pymongo.errors import PyMongoError

T = TypeVar("T")

TOGETHER_SECONDS: Final = 2.0
_ALONE_SECONDS: Final = 0.5
"""A write that nothing stands in the way of takes some milliseconds."""
_AT_ONCE: Final = 4
"""The driver has few threads, and others need some, too."""
_MOST: Final = 8
"""Where so many cannot be written it is no lock, and asking for each of the others would take too long."""


async def written(
    write: Callable[[Sequence[T]], Awaitable[object]],
    together: Sequence[T],
    alone: Sequence[T] = (),
    *,
    seconds: float = TOGETHER_SECONDS,
) -> Sequence[T]:
    """Write `together` by one command within so many seconds, or else each by itself as `alone`; those left over.

    `write` may be cut off half way, may be called again for the same, and what is left over may be written all the
    same. Raises what `write` raises, but for time-outs.
    """
    singles = [*alone]
    if together and not await _done(write, together, seconds):
        singles += together
    left: list[T] = []
    places = asyncio.Semaphore(_AT_ONCE)

    async def by_itself(one: T) -> None:
        async with places:
            if len(left) >= _MOST or not await _done(write, [one], _ALONE_SECONDS):
                left.append(one)

    await asyncio.gather(*map(by_itself, singles))
    return left


async def _done(write: Callable[[Sequence[T]], Awaitable[object]], some: Sequence[T], seconds: float) -> bool:
    try:
        with pymongo.timeout(seconds):
            await write(some)
    except PyMongoError as error:
        if not error.timeout:
            raise
        return False
    return True
