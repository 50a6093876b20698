"""An Apple account as a pass uses it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from icloud import CalendarObject, Changes, HeldBack, Home, ListedCalendar, Missing, TryLater, Unreachable
from sync_worker.application.claim import Claim


class CredentialUnusable(Exception):
    """The vault holds no credential for this connection that opens here. `reason` is one of our own short words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_of_one_calendar(later: TryLater) -> bool:
    """Whether what a calendar's own call met need not meet the others: nobody asked to be left alone, all are there."""
    return later.after is None and not isinstance(later, HeldBack | Unreachable)


class Listing(Protocol):
    """The part of `icloud.HomeListing` that a pass needs, with its promises and its errors."""

    @property
    def digest(self) -> str: ...

    def calendars(self) -> list[ListedCalendar]: ...


class Account(Protocol):
    """The part of `icloud.Account` that reading needs, with its promises and its errors."""

    @property
    def home(self) -> Home | None: ...

    async def calendars(self) -> list[ListedCalendar]: ...

    async def home_listing(self) -> Listing: ...

    async def changes(self, path: str, token: str) -> Changes: ...

    async def listing(self, path: str, start: datetime, end: datetime) -> dict[str, str]: ...

    async def contents(self, path: str) -> dict[str, str]: ...

    def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]: ...


class WritableAccount(Account, Protocol):
    """The rest of it, for `LinkedCalendar` alone: nobody else may look into an object or write one."""

    async def get(self, href: str) -> CalendarObject | Missing: ...

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None: ...

    async def delete(self, href: str, *, if_match: str | None) -> None: ...


class Accounts(Protocol):
    """The way to an account; its credential stays behind this line."""

    async def open(self, claim: Claim) -> WritableAccount:
        """The claim's account, nothing asked of it yet. Raises CredentialUnusable."""
