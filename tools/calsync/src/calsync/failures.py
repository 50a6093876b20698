"""Errors as exit codes and words; nothing that a document, a record or an answer holds is in them."""

import sys
from typing import Any, Final

from calsync.ends import End, Misuse, NotThere, Unreachable

_NOT_ALLOWED: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and the latter as Atlas says it."""


def failed(error: Exception) -> End:
    """Say what went wrong, and choose the exit code."""
    code, text = _told(error)
    sys.stderr.write(f"calsync: {text}\n")
    return code


def _told(error: Exception) -> tuple[End, str]:
    if isinstance(error, Misuse):
        return End.MISUSE, str(error)
    if isinstance(error, NotThere):
        return End.WRONG, str(error)
    if isinstance(error, Unreachable):
        return End.UNREACHABLE, str(error)
    # What these modules cost was paid by the command that failed in them.
    from runtime.settings import SettingsInvalid  # noqa: PLC0415 - see above

    if isinstance(error, SettingsInvalid):
        return End.MISUSE, str(error)
    return _of_servers(error) or (End.FAULT, _of_us(error))


def _of_servers(error: Exception) -> tuple[End, str] | None:
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - as above
    from pymongo.errors import OperationFailure, PyMongoError  # noqa: PLC0415 - as above

    from calsync.kafka import refusal  # noqa: PLC0415 - as above
    from runtime.kafka import PublishFailed  # noqa: PLC0415 - as above
    from runtime.mongo import is_infrastructure  # noqa: PLC0415 - as above

    name = type(error).__name__
    if isinstance(error, OperationFailure) and error.code in _NOT_ALLOWED:
        return End.UNREACHABLE, "MongoDB does not let us. The user of CALSYNC_MONGODB_URL lacks the rights for this."
    if isinstance(error, PyMongoError) and is_infrastructure(error):
        return End.UNREACHABLE, f"MongoDB cannot be reached ({name}). Is CALSYNC_MONGODB_URL right, and is it up?"
    if isinstance(error, KafkaError | PublishFailed):
        away = f"Kafka cannot be reached ({name}). Is CALSYNC_KAFKA_BOOTSTRAP_SERVERS right, and is it up?"
        return End.UNREACHABLE, refusal(error) or away
    return None


def _of_us(error: Exception) -> str:
    """Types and places alone: messages quote what they choked on."""
    from runtime.redaction import tell_errors  # noqa: PLC0415 - as above

    told: dict[str, Any] = dict(tell_errors(None, "", {"exc_info": error}))
    links = [f"{one['type']} at {one['at'][-1] if one['at'] else '?'}" for one in told["error"]]
    return "a fault of this command: " + ", from ".join(links)
