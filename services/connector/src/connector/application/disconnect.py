"""Ending a connection."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.domain.connection import Connection, Gravestone, Owner, ended

End = Callable[[Connection], Gravestone]
"""Decides what stays of a connection."""


class Disconnection(StrEnum):
    """What a wish to disconnect met."""

    ENDED = "ended"
    ALREADY_GONE = "already_gone"


class EndingConnections(Protocol):
    """Where connections and sealed credentials are kept."""

    async def bury(self, owner: Owner, connection_id: str, end: End) -> Disconnection:
        """Erase the sealed credential, release the Apple account and leave `end`'s gravestone: all or none.

        Raises NoSuchConnection when the owner never had it. `end` may be called more than once.
        """


class Disconnect:
    """Erase a connection here at once, and tell the others to."""

    def __init__(
        self, connections: EndingConnections, clock: Callable[[], datetime], wake_relay: Callable[[], None]
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._wake_relay = wake_relay

    async def __call__(self, owner: Owner, connection_id: str) -> Disconnection:
        """Raises NoSuchConnection."""
        now = self._clock()
        outcome = await self._connections.bury(owner, connection_id, lambda connection: ended(connection, at=now))
        self._wake_relay()
        return outcome
