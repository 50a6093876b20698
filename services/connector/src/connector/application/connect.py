"""Connecting an Apple account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.application.refusals import AlreadyConnected
from connector.domain.calendars import Calendar
from connector.domain.connection import AppleAccount, Connection, Owner, Wish, connected, hint_of
from icloud import AppleCredential
from icloud.credentials import SealedCredential


@dataclass(frozen=True, slots=True)
class Proven:
    """What Apple showed to a credential that works. `principal` is Apple's own name of the account."""

    principal: str
    fingerprint: str
    calendars: tuple[Calendar, ...]

    def __repr__(self) -> str:
        return "Proven(…)"


class Apple(Protocol):
    """iCloud, as far as connecting needs it."""

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        """Use the credential once; calendar ids are those of `connection_id`.

        Raises icloud's CredentialsRejected, CalendarNotEnabled, TryLater or NotUnderstood, nothing else of icloud.
        """


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

    def __init__(self, apple: Apple, connections: NewConnections, circumstances: Circumstances) -> None:
        self._apple = apple
        self._connections = connections
        self._circumstances = circumstances

    async def __call__(self, owner: Owner, credential: AppleCredential, wish: Wish) -> Connection:
        """The new connection.

        Raises AlreadyConnected, AppleAccountInUse, and of icloud CredentialsRejected, CalendarNotEnabled, TryLater,
        NotUnderstood.
        """
        if await self._connections.of(owner):
            raise AlreadyConnected
        connection_id = self._circumstances.new_id()
        proven = await self._apple.prove(credential, connection_id)
        connection = connected(
            connection_id,
            owner,
            apple=AppleAccount(proven.fingerprint, hint_of(credential.apple_id)),
            terms=wish.with_defaults(proven.calendars),
            at=self._circumstances.clock(),
        )
        await self._connections.add(connection, SealedCredential(credential, proven.principal))
        self._circumstances.wake_relay()
        return connection
