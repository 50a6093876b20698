"""Another service of CrocoClick's, with a token of its own, that acts for a user over HTTP."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Self

import httpx

from local_stack.stack import LocalStack
from local_stack.waiting import wait_until

JsonObject = dict[str, Any]
Rules = Mapping[str, str]
"""All-day rule by calendar id."""
NO_CHANGE: Final[Mapping[str, object]] = MappingProxyType({})
_CONNECTIONS: Final = "/v1/connections"
_SECONDS: Final = 30.0


class OtherService:
    """Sees to the iCloud connection of one user of an account; there is exactly one while it does."""

    def __init__(self, stack: LocalStack, *, account: str, user: str) -> None:
        self._of = {"user_id": user}
        bearer = {"Authorization": f"Bearer {stack.token(account, 'service:crm')}"}
        self._http = httpx.Client(
            base_url=stack.env["CONNECTOR_URL"], headers=bearer, timeout=_SECONDS, trust_env=False
        )

    def connection(self) -> JsonObject:
        (only,) = self._http.get(_CONNECTIONS, params=self._of).raise_for_status().json()["items"]
        return dict(only)

    def calendar(self, name: str) -> JsonObject | None:
        """A calendar as the connection shows it."""
        return next((c for c in self.connection()["calendars"] if c["name"] == name), None)

    def blocking(self) -> dict[str, str]:
        """The conflict calendars' ids with their all-day rules."""
        return {c["id"]: c["all_day"] for c in self.connection()["setup"]["conflict_calendars"]}

    def choose(self, rules: Rules, change: Mapping[str, object] = NO_CHANGE) -> JsonObject:
        """Make these the conflict calendars; `change` replaces other fields of the setup."""
        connection = self.connection()
        chosen = {"conflict_calendars": [{"id": one, "all_day": rule} for one, rule in rules.items()], **change}
        answer = self._http.put(f"{_CONNECTIONS}/{connection['id']}/setup", json={**connection["setup"], **chosen})
        return dict(answer.raise_for_status().json())

    def ask_for_a_look(self, **decisions: list[str]) -> None:
        """Ask as soon as another question is allowed; `decisions` are about removals that are held."""
        path = f"{_CONNECTIONS}/{self.connection()['id']}/sync"
        answers: list[httpx.Response] = []

        def was_allowed() -> bool:
            answers.append(self._http.post(path, json=decisions))
            return answers[-1].status_code != httpx.codes.TOO_MANY_REQUESTS

        assert wait_until(was_allowed, seconds=_SECONDS)
        answers[-1].raise_for_status()

    def reconnect(self, app_password: str) -> JsonObject:
        """Give the connection another password; which Apple account it is of, the connector remembers."""
        path = f"{_CONNECTIONS}/{self.connection()['id']}/credentials"
        return dict(self._http.put(path, json={"app_password": app_password}).raise_for_status().json())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
