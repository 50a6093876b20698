"""Transactions that end in bounded time.

The driver's own `with_transaction` repeats for two minutes; somebody waits for an answer here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import PyMongoError

T = TypeVar("T")

_PAUSES: Final = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Seconds between attempts, 0.6 in all: a conflicting transaction takes some ten milliseconds."""


async def in_transaction(
    client: AsyncIOMotorClient[dict[str, Any]], work: Callable[[AsyncIOMotorClientSession], Awaitable[T]]
) -> T:
    """The result of `work`, all of whose writes hold, or none when it raises. It is called again after a conflict.

    A commit whose outcome stays unknown raises: repeating the work would then meet its own writes.
    """
    async with await client.start_session() as session:
        for pause in _PAUSES:
            try:
                return await _once(session, work)
            except PyMongoError as error:
                if error.timeout or not error.has_error_label("TransientTransactionError"):
                    raise
            await asyncio.sleep(pause)
        return await _once(session, work)


async def _once(session: AsyncIOMotorClientSession, work: Callable[[AsyncIOMotorClientSession], Awaitable[T]]) -> T:
    async with session.start_transaction():
        return await work(session)
