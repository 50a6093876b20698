"""Waiting for something to become true."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]], *, within: float = 20) -> T:
    """What `look` finds, once it finds something true."""
    async with asyncio.timeout(within):
        while not (found := await look()):  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)
        return found
