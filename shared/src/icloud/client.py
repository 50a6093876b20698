"""The client as a process holds it: one pool of connections for all accounts."""

from types import TracebackType
from typing import Self

from icloud.account import Account
from icloud.credentials import AppleCredential
from icloud.exchange import Exchange
from icloud.gate import Endpoint
from icloud.traffic import RequestCounter
from icloud.transport import Budget, Transport
from icloud.turnstile import Turnstile
from icloud.values import Home


class ICloud:
    """Apple's calendar server, or one that takes its place. One per process; to be closed at its end."""

    def __init__(
        self, endpoint: Endpoint, *, budget: Budget | None = None, counter: RequestCounter | None = None
    ) -> None:
        """Open nothing yet. `budget` is what one request may cost, by default what suits Apple."""
        self._gate = endpoint.gate()
        self._entry = self._gate.admit(endpoint.entry_url)
        self._budget = budget or Budget()
        self._transport = Transport(endpoint, self._gate, self._budget, counter=counter)

    def account(
        self, credential: AppleCredential, home: Home | None = None, *, turnstile: Turnstile | None = None
    ) -> Account:
        """Speak for one account. `home` is what an earlier discovery found; it is found anew once it fails.

        Every request passes `turnstile`, if there is one, before it goes out.
        """
        exchange = Exchange(self._transport, self._gate, credential, turnstile)
        return Account(exchange, self._entry, self._budget, home)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
