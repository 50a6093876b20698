"""Connecting an Apple account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.application.prove import Asker, Prove
from connector.application.refusals import AlreadyConnected
from connector.domain.connection import AppleAccount, Connection, Owner, Wish, connected, hint_of
from icloud import AppleCredential
from icloud.credentials import SealedCredential


class RememberedAppleIds(Protocol):
    """Apple IDs, kept so that nobody but this service reads them, and only for a reconnect."""

    def seal(self, apple_id: str, connection_id: str) -> bytes | None:
        """The Apple ID, to be opened for this connection alone; None where none is to be remembered."""

    def open(self, sealed: bytes, connection_id: str) -> str | None:
        """What was sealed for this connection; None when it does not open (any more)."""


class NewConnections(Protocol):
    """Where connections and sealed credentials are kept."""

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""

    async def add(self, connection: Connection, secret: SealedCredential) -> None:
        """Keep connection, its pending announcement, its claim on the Apple account and the sealed secret: all or none.

        Raises AlreadyConnected when the owner has a living connection, AppleAccountInUse when another account claims
        the same Apple account.
        """


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the world gives to a story: the time, a fresh connection id, and a bell that wakes the relay."""

    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    wake_relay: Callable[[], None]


class Connect:
    """Prove a credential at iCloud, then keep it sealed and tell the others; a refusal leaves nothing behind."""

    def __init__(
        self, prove: Prove, connections: NewConnections, remembered: RememberedAppleIds, circumstances: Circumstances
    ) -> None:
        self._prove = prove
        self._connections = connections
        self._remembered = remembered
        self._circumstances = circumstances

    async def __call__(self, owner: Owner, credential: AppleCredential, wish: Wish) -> Connection:
        """The new connection.

        Raises AlreadyConnected, TooManyAttempts, AppleAccountInUse, and of icloud CredentialsRejected,
        CalendarNotEnabled, TryLater, NotUnderstood.
        """
        if await self._connections.of(owner):
            raise AlreadyConnected
        connection_id = self._circumstances.new_id()
        proven = await self._prove(Asker(owner), credential, connection_id)
        remembered = self._remembered.seal(credential.apple_id, connection_id)
        connection = connected(
            connection_id,
            owner,
            apple=AppleAccount(proven.fingerprint, hint_of(credential.apple_id), remembered),
            terms=wish.with_defaults(proven.calendars),
            at=self._circumstances.clock(),
        )
        await self._connections.add(connection, SealedCredential(credential, proven.principal))
        self._circumstances.wake_relay()
        return connection
