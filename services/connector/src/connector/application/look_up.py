"""Looking at connections."""

from typing import Protocol

from connector.application.refusals import NoSuchConnection
from connector.domain.connection import Connection, Owner


class KnownConnections(Protocol):
    """Where connections are kept."""

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""

    async def named(self, connection_id: str, account_id: str) -> Connection | None:
        """The living connection of that id in that account."""

    async def owner_of(self, connection_id: str, account_id: str) -> Owner | None:
        """Whose connection of that account it is, or was before it ended."""


class ShowConnection:
    """One connection, by its id."""

    def __init__(self, connections: KnownConnections) -> None:
        self._connections = connections

    async def __call__(self, connection_id: str, account_id: str, user_id: str | None) -> Connection:
        """Raises NoSuchConnection unless it lives in that account, and is `user_id`'s where one is given."""
        connection = await self._connections.named(connection_id, account_id)
        if connection is None or user_id not in {None, connection.owner.user_id}:
            raise NoSuchConnection
        return connection


class ListConnections:
    """The connections of a user: none or one."""

    def __init__(self, connections: KnownConnections) -> None:
        self._connections = connections

    async def __call__(self, owner: Owner) -> tuple[Connection, ...]:
        connection = await self._connections.of(owner)
        return () if connection is None else (connection,)


class FindOwner:
    """Whose connection it is, for a service that acts for them."""

    def __init__(self, connections: KnownConnections) -> None:
        self._connections = connections

    async def __call__(self, connection_id: str, account_id: str) -> Owner:
        """The owner, also of a connection that has ended. Raises NoSuchConnection unless it is of that account."""
        owner = await self._connections.owner_of(connection_id, account_id)
        if owner is None:
            raise NoSuchConnection
        return owner
