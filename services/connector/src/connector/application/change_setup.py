"""Changing which calendars count, and how."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from connector.application.refusals import NoSuchConnection
from connector.domain.calendars import Choice
from connector.domain.choosing import chosen
from connector.domain.connection import Connection, Owner


class ChangingConnections(Protocol):
    """Where connections are kept."""

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""

    async def replace(self, old: Connection, new: Connection) -> bool:
        """Put `new` in the place of `old`, its announcement pending if the revision grew; False if `old` is no more."""


class ChangeSetup:
    """Put the user's choice in the place of the setup, and tell the others if that changed anything."""

    def __init__(
        self, connections: ChangingConnections, clock: Callable[[], datetime], wake_relay: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._wake_relay = wake_relay

    async def __call__(self, owner: Owner, connection_id: str, choice: Choice) -> Connection:
        """The connection as it is then; it may have been changed otherwise meanwhile, by the workers' word, say.

        Raises NoSuchConnection, ChoiceOutdated, UnknownCalendar, CalendarUnsupported, CalendarNotWritable,
        AccessReadOnly, UnknownTimeZone.
        """
        while connection := await self._connections.of(owner):
            if connection.id != connection_id:
                break
            changed = chosen(connection, choice, at=self._clock())
            if changed == connection:
                return connection
            if await self._connections.replace(connection, changed):
                self._wake_relay()
                return changed
        raise NoSuchConnection
