"""iCloud, asked once per connecting."""

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from connector.application.prove import Proven
from connector.domain.calendars import MOST_CALENDARS, Calendar, name_shown
from icloud import (
    AppleCredential,
    CalendarNotEnabled,
    CredentialsRejected,
    Endpoint,
    ICloud,
    ICloudError,
    ListedCalendar,
    NotUnderstood,
    TryLater,
    calendar_id,
)

PATIENCE: Final = timedelta(seconds=25)
"""For all requests of one proof. Apple takes more than ten seconds at times; a person at a browser waits no longer."""
_TOLD_AS_THEY_ARE: Final = (CredentialsRejected, CalendarNotEnabled, TryLater, NotUnderstood)


class ICloudAccounts:
    """Proves credentials by discovery and a listing of the calendars."""

    def __init__(self, icloud: ICloud, endpoint: Endpoint, *, patience: timedelta = PATIENCE) -> None:
        self._icloud = icloud
        self._patience = patience.total_seconds()
        self._world = urlsplit(endpoint.entry_url).hostname or ""

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        """Discovery and one listing.

        Raises CredentialsRejected, CalendarNotEnabled, TryLater or NotUnderstood, no other ICloudError.
        """
        account = self._icloud.account(credential)
        try:
            async with asyncio.timeout(self._patience):
                home = await account.discover()
                listed = await account.calendars()
        except TimeoutError as late:
            raise TryLater(None, "too_slow") from late
        except _TOLD_AS_THEY_ARE:
            raise
        except ICloudError as unexpected:
            # A home that discovery has just named and that is gone or forbidden: no rule of Apple's that we know.
            raise NotUnderstood(type(unexpected).__name__) from unexpected
        if len(listed) > MOST_CALENDARS:
            raise NotUnderstood("too_many_calendars")
        calendars = tuple(_calendar(connection_id, one) for one in listed)
        return Proven(home.principal, self._fingerprint(home.principal), calendars)

    def _fingerprint(self, principal: str) -> str:
        # Account numbers are unique within a world only: China's is apart from the rest.
        return sha256(f"{self._world}\n{principal}".encode()).hexdigest()


def _calendar(connection_id: str, listed: ListedCalendar) -> Calendar:
    return Calendar(
        id=calendar_id(connection_id, listed.path),
        name=name_shown(listed.name),
        color=listed.color,
        writable=listed.writable,
        supported=listed.supported,
        reason=listed.reason,
        shared=listed.shared,
    )
