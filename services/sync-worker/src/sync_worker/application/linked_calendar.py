"""The one door through which anything is written into iCloud."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from contracts.facts import Access
from icloud import Absence, ListedCalendar, Missing, NotUnderstood
from sync_worker.application.accounts import WritableAccount
from sync_worker.application.claim import Claim
from sync_worker.application.jobs import Jobs
from sync_worker.domain.appointments import is_own, uid_in
from sync_worker.domain.exports import Failure
from sync_worker.domain.found import Found, found

_MOST_LOOKED_AT: Final = 20
"""Calendars; few people have more, and it is one request each."""


class WritesRefused(Exception):
    """Nothing may be written for this connection now. `failure` is what to tell; None: it is the user's own choice."""

    def __init__(self, failure: Failure | None) -> None:
        super().__init__(failure or "not allowed")
        self.failure = failure


class NotOurs(AssertionError):
    """A write that was never to be asked for: it would touch what is not ours. A fault in our own code."""


class LinkedCalendar:
    """The calendar that receives appointments.

    There is none without full access, a linked calendar, and the home showing it as writable: so `read_only` access
    can never write, whatever the rest of the worker does. Before each write the user's will is asked for anew: after
    another word of theirs nothing leaves but what is on its way. Of what is in the account only objects that bear our
    name are touched: written in the linked calendar, deleted in any that is writable.
    """

    def __init__(
        self, account: WritableAccount, claim: Claim, listed: Mapping[str, ListedCalendar], jobs: Jobs
    ) -> None:
        """`listed` are the home's calendars by id. Raises WritesRefused."""
        wish = claim.exports
        if wish.access is not Access.FULL or wish.linked_calendar_id is None:
            raise WritesRefused(None)
        linked = listed.get(wish.linked_calendar_id)
        if linked is None:
            raise WritesRefused(Failure.CALENDAR_GONE)
        if not (linked.writable and linked.supported):
            raise WritesRefused(Failure.CALENDAR_READ_ONLY)
        self.id = wish.linked_calendar_id
        self.path = linked.path
        self._account = account
        self._claim = claim
        self._jobs = jobs
        self._zone = ZoneInfo(claim.time_zone)
        self._listed = frozenset(one.path for one in listed.values())
        self._writable = frozenset(one.path for one in listed.values() if one.writable and one.supported)

    def is_listed(self, path: str) -> bool:
        """Whether the home shows a calendar at `path`."""
        return path in self._listed

    def may_delete_in(self, path: str) -> bool:
        """Whether what we wrote into the calendar at `path` can be taken away again."""
        return path in self._writable

    async def find(self, href: str) -> Found | None:
        """What is there now; None where nothing is. Raises NotUnderstood for what cannot be told."""
        got = await self._account.get(href)
        if isinstance(got, Missing):
            if got.why is Absence.GONE:
                return None
            raise NotUnderstood(got.why.value)
        if not got.etag:
            raise NotUnderstood("no_etag")
        return found(got.etag, got.text, self._zone)

    async def elsewhere(self, href: str) -> tuple[str, Found] | None:
        """The href of an object of ours that the user has moved into another calendar, and what is there."""
        for path in sorted(self._writable - {self.path})[:_MOST_LOOKED_AT]:
            there = path + href.rpartition("/")[2]
            seen = await self.find(there)
            if seen is not None and seen.uid == uid_in(href):
                return there, seen
        return None

    async def put(self, href: str, text: str, *, if_match: str | None) -> str | None:
        """As `icloud.Account.put`: create, or replace the version with that ETag. The new ETag if it was told.

        Raises also WritesRefused and LeaseLost, and then nothing was asked.
        """
        if not (is_own(href) and _calendar_of(href) == self.path):
            raise NotOurs
        await self._ask_user()
        return await self._account.put(href, text, if_match=if_match)

    async def delete(self, href: str, *, if_match: str) -> None:
        """As `icloud.Account.delete`: the version with that ETag, and no other. Raises also as `put`."""
        if not (is_own(href) and self.may_delete_in(_calendar_of(href))):
            raise NotOurs
        await self._ask_user()
        await self._account.delete(href, if_match=if_match)

    async def _ask_user(self) -> None:
        if not await self._jobs.allowed(self._claim):
            raise WritesRefused(None)


def _calendar_of(href: str) -> str:
    return href.rpartition("/")[0] + "/"
