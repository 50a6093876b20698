"""What an idempotency key is: one wish of one caller, however often it is sent."""

import hashlib
from typing import Annotated, Final

from fastapi import Header

from availability.application.bookings import Key
from runtime.auth import Caller

_HEADER: Final = Header(
    min_length=1,
    max_length=255,
    description="Any text of your own, a new one for each wish; the same one when you repeat a request",
    examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
)

INVALID_OR_REUSED: Final = (
    "Something is missing or makes no sense, or `idempotency_key_reused`: the key was another wish's"
)
IdempotencyKey = Annotated[str, _HEADER]
OptionalKey = Annotated[str | None, _HEADER]


def key_of(caller: Caller, said: str, wish: tuple[object, ...]) -> Key:
    """The key within its caller's own; hashes, because a caller may write anything into it.

    `wish` tells all that was asked for, and what kind of wish it is: another one with the key is another request.
    """
    return Key(_hash(caller.account_id, caller.user_id, said), _hash(repr(wish)))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
