"""CrocoClick's side of a stack: what its pages and services ask of connector and availability for one user."""

from datetime import datetime
from typing import Any, Self
from uuid import uuid4

import httpx

from local_stack.stack import LocalStack

JsonObject = dict[str, Any]
_SECONDS = 30.0  # a connect asks Apple up to four times


class Crococlick:
    """The HTTP calls of one user of one CrocoClick account."""

    def __init__(self, stack: LocalStack, *, account: str = "acc-demo", user: str = "usr-marie") -> None:
        self.account, self.user = account, user
        bearer = {"Authorization": f"Bearer {stack.token(account, user)}"}
        self._connector = httpx.Client(
            base_url=stack.env["CONNECTOR_URL"], headers=bearer, timeout=_SECONDS, trust_env=False
        )
        self._availability = httpx.Client(
            base_url=stack.env["AVAILABILITY_URL"], headers=bearer, timeout=_SECONDS, trust_env=False
        )

    def connect(self, apple_id: str, app_password: str) -> httpx.Response:
        """Ask for a connection with full access, in the zone of Paris; the answer may be a refusal."""
        body = {"apple_id": apple_id, "app_password": app_password, "access": "full", "time_zone": "Europe/Paris"}
        return self._connector.post("/v1/connections", json=body)

    def connections(self) -> list[JsonObject]:
        return list(self._connector.get("/v1/connections").raise_for_status().json()["items"])

    def link(self, connection: JsonObject, calendar_id: str) -> httpx.Response:
        """Let appointments go to this calendar; all else of the setup stays."""
        setup = {name: value for name, value in connection["setup"].items() if name != "linked_calendar_id"}
        return self._connector.put(
            f"/v1/connections/{connection['id']}/setup", json=setup | {"linked_calendar_id": calendar_id}
        )

    def book(self, start: datetime, end: datetime, title: str) -> httpx.Response:
        """Book the user's time as a customer would; the answer may be a refusal."""
        return self._availability.post(
            "/v1/appointments",
            json={"user_id": self.user, "start": start.isoformat(), "end": end.isoformat(), "title": title},
            headers={"Idempotency-Key": uuid4().hex},
        )

    def appointment(self, appointment_id: str) -> JsonObject:
        return dict(self._availability.get(f"/v1/appointments/{appointment_id}").raise_for_status().json())

    def cancel(self, appointment_id: str) -> httpx.Response:
        return self._availability.delete(f"/v1/appointments/{appointment_id}")

    def disconnect(self, connection_id: str) -> httpx.Response:
        return self._connector.delete(f"/v1/connections/{connection_id}")

    def busy(self, start: datetime, end: datetime) -> JsonObject:
        """Return when the user is busy, `{busy, as_of, state, calendars}`."""
        span = {"start": start.isoformat(), "end": end.isoformat()}
        answer = self._availability.get(f"/v1/users/{self.user}/busy", params=span)
        return dict(answer.raise_for_status().json())

    def close(self) -> None:
        self._connector.close()
        self._availability.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
