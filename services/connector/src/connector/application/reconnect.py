"""Bringing a connection back, or giving it another app-specific password."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from connector.application.connect import RememberedAppleIds
from connector.application.prove import Asker, Prove
from connector.application.refusals import AppleIdNeeded, DifferentAppleAccount, NoSuchConnection
from connector.domain.connection import AppleAccount, Connection, Owner, hint_of, reconnected
from icloud import AppleCredential
from icloud.credentials import SealedCredential

Renew = Callable[[Connection], Connection]
"""Decides what a connection becomes."""


class RenewedConnections(Protocol):
    """Where connections and sealed credentials are kept."""

    async def of(self, owner: Owner) -> Connection | None:
        """The owner's living connection."""

    async def renew(self, connection: Connection, renew: Renew, secret: SealedCredential) -> Connection:
        """Put `renew`'s result in the connection's place, its announcement pending, and `secret` in the vault.

        Both or none. `renew` is given the connection as it is by then, and may be called more than once.
        Raises NoSuchConnection when it has ended meanwhile, TooMuchUntold.
        """


class Reconnect:
    """Prove a new credential for the same Apple account, then keep it: same id and setup, a new epoch.

    A connection that works may have it, too: whoever replaces a password before revoking the old one loses nothing.
    """

    def __init__(
        self,
        prove: Prove,
        connections: RenewedConnections,
        remembered: RememberedAppleIds,
        *,
        clock: Callable[[], datetime],
        wake_relay: Callable[[], None],
    ) -> None:
        self._prove = prove
        self._connections = connections
        self._remembered = remembered
        self._clock = clock
        self._wake_relay = wake_relay

    async def __call__(
        self, owner: Owner, connection_id: str, app_password: str, apple_id: str | None = None
    ) -> Connection:
        """The connection under its new epoch. A refusal changes nothing.

        Raises NoSuchConnection, AppleIdNeeded, TooManyAttempts, DifferentAppleAccount, TooMuchUntold, and of icloud
        CredentialMalformed, CredentialsRejected, CalendarNotEnabled, TryLater, NotUnderstood.
        """
        connection = await self._connections.of(owner)
        if connection is None or connection.id != connection_id:
            raise NoSuchConnection
        known = self._recall(connection)
        if not (apple_id or known):
            raise AppleIdNeeded
        credential = AppleCredential.typed(apple_id or known or "", app_password)
        asker = Asker(owner, connection.id if credential.apple_id == known else None)
        proven = await self._prove(asker, credential, connection.id)
        if proven.fingerprint != connection.apple.fingerprint:
            raise DifferentAppleAccount
        remembered = self._remembered.seal(credential.apple_id, connection.id)
        apple = AppleAccount(proven.fingerprint, hint_of(credential.apple_id), remembered)
        now = self._clock()
        renewed = await self._connections.renew(
            connection,
            lambda present: reconnected(present, apple, proven.calendars, at=now),
            SealedCredential(credential, proven.principal),
        )
        self._wake_relay()
        return renewed

    def _recall(self, connection: Connection) -> str | None:
        sealed = connection.apple.remembered
        return None if sealed is None else self._remembered.open(sealed, connection.id)
