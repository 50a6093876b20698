"""What somebody typed into a form about their Apple account: what goes back into it, and what does not."""

from dataclasses import dataclass
from typing import Final

from connector.domain.connection import Access
from connector.inbound.pages.catalogue import Words
from connector.inbound.pages.errors import Mistake, malformed
from connector.inbound.pages.visit import Visit
from icloud import AppleCredential
from icloud.credentials import CredentialMalformed

_LONGEST: Final = 254
"""Characters of an Apple ID; nothing longer is written back into the form."""
_ANY_APPLE_ID: Final = "a@b.c"
_ANY_PASSWORD: Final = "a" * 16
"""Of the right shape, so that the other one is judged alone."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What goes back into the form: never the password.

    `lost`: there was a good one, to be pasted again. `guessing`: nobody has chosen the time zone yet.
    """

    apple_id: str = ""
    access: str = Access.FULL
    time_zone: str | None = None
    guessing: bool = False
    lost: bool = False


def apple_id_typed(visit: Visit) -> str:
    """The Apple ID, to be written back."""
    return visit.typed("apple_id")[:_LONGEST]


def is_lost(visit: Visit) -> bool:
    """Whether the form brought a password that could be right: Apple shows it only once, and we never show it."""
    return _fault(_ANY_APPLE_ID, visit.typed("app_password")) is None


def mistakes(visit: Visit, words: Words, *, apple_id: bool = True) -> list[Mistake]:
    """What cannot be right, in the form's order; `apple_id`: it may not be left out."""
    said, password = visit.typed("apple_id"), visit.typed("app_password")
    found = []
    if (said or apple_id) and _fault(said, _ANY_PASSWORD):
        found.append(malformed("apple_id", said, words))
    if _fault(_ANY_APPLE_ID, password):
        found.append(malformed("app_password", password, words))
    return found


def _fault(apple_id: str, password: str) -> CredentialMalformed | None:
    try:
        AppleCredential.typed(apple_id, password)
    except CredentialMalformed as wrong:
        return wrong
    return None
