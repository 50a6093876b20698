"""The MongoDB client of a process: everything it does is bounded in time, majority-written and journaled."""

from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from runtime.settings import MongoSettings

INFRASTRUCTURE: Final[tuple[type[Exception], ...]] = (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    ServerSelectionTimeoutError,
    WTimeoutError,
)
"""What MongoDB's absence looks like. The work is sound: try it again later."""

_SERVERS_STATE: Final = frozenset({13, 18, 14031})
"""Unauthorized, AuthenticationFailed, OutOfDiskSpace: the server has to be mended, the work is sound."""
_RETRYABLE_LABELS: Final = ("RetryableWriteError", "TransientTransactionError", "UnknownTransactionCommitResult")


def connect(settings: MongoSettings, app_name: str) -> AsyncIOMotorClient[dict[str, Any]]:
    """A client whose moments are aware UTC; it connects by itself at its first use. Close it with `close()`."""
    return AsyncIOMotorClient(
        settings.url.get_secret_value(),
        appname=app_name,
        timeoutMS=round(settings.timeout.total_seconds() * 1000),
        w="majority",
        journal=True,
        retryWrites=True,
        retryReads=True,
        tz_aware=True,
    )


def is_infrastructure(error: BaseException) -> bool:
    """Whether the database's state, not the work, is to blame: a time-out, a lost server, a transient conflict."""
    if isinstance(error, INFRASTRUCTURE) or (isinstance(error, OperationFailure) and error.code in _SERVERS_STATE):
        return True
    return isinstance(error, PyMongoError) and (error.timeout or any(map(error.has_error_label, _RETRYABLE_LABELS)))


async def unreachable(client: AsyncIOMotorClient[dict[str, Any]]) -> str | None:
    """A readiness check: None, or why MongoDB cannot be used."""
    try:
        await client.admin.command("ping")
    except PyMongoError as error:
        return type(error).__name__
    return None
