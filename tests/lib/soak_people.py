"""Somebody with an Apple account and a CrocoClick login who stays for hours."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

import httpx

from icloud_simulator.client import SimulatedAccount
from local_stack.stack import LocalStack

_TOKEN_LASTS: Final = timedelta(hours=1)
_SECONDS: Final = 30.0


class _Bearer(httpx.Auth):
    """Tokens last an hour, soaks longer."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._new = token
        self._token = ""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() > self._until:
            self._token, self._until = self._new(), time.monotonic() + _TOKEN_LASTS.total_seconds() / 2
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


@dataclass(frozen=True, slots=True)
class Inhabitant:
    """Whoever it is: the Apple account, the user's name, and clients of both services that speak for them."""

    apple: SimulatedAccount
    user: str
    connector: httpx.Client
    availability: httpx.Client

    @classmethod
    def of(cls, stack: LocalStack, apple: SimulatedAccount, number: int) -> Self:
        """In a CrocoClick account of their own."""
        user, env = f"usr-soak-{number}", stack.env
        auth = _Bearer(lambda: stack.token(f"acc-soak-{number}", user, ttl=_TOKEN_LASTS))
        connector, availability = (
            httpx.Client(base_url=env[url], auth=auth, timeout=_SECONDS, trust_env=False)
            for url in ("CONNECTOR_URL", "AVAILABILITY_URL")
        )
        return cls(apple, user, connector, availability)

    def connect(self, *, app_password: str | None = None) -> httpx.Response:
        """With their own password unless another one is given."""
        told = {"apple_id": self.apple.apple_id, "app_password": app_password or self.apple.app_password}
        return self.connector.post("/v1/connections", json={**told, "access": "full", "time_zone": "Europe/Paris"})

    def link(self, connection: dict[str, Any]) -> httpx.Response:
        """Let appointments go to the first calendar that takes them."""
        calendar = next(one["id"] for one in connection["calendars"] if one["writable"] and one["supported"])
        setup = connection["setup"] | {"linked_calendar_id": calendar}
        return self.connector.put(f"/v1/connections/{connection['id']}/setup", json=setup)

    def close(self) -> None:
        self.connector.close()
        self.availability.close()
