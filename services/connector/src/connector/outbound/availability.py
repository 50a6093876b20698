"""Availability over HTTP, asked with the user's own token: what it shows is what that user may see."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from connector.application.look_ahead import Asker, NoAnswer, Window
from connector.domain.calendars import ConflictCalendar
from connector.domain.outlook import Appointment, Outlook, Tried
from connector.outbound.availability_bodies import AppointmentsBody, PreviewBody, WhyBody
from runtime.logs import get_logger

PATIENCE: Final = timedelta(seconds=2)
"""For one answer, all of it: somebody waits for a page that can do without."""
LARGEST_ANSWER: Final = 2 * 1024 * 1024
"""Two weeks of a full calendar take 100 kB, a thousand appointments one MB; no list of them is longer than two million
bytes. Of one that goes on its beginning is enough here."""
_CONNECTIONS: Final = 20
"""At once, of one process: more would help nobody whose answer takes seconds."""

_Body = TypeVar("_Body", bound=BaseModel)
_log = get_logger(__name__)


class HttpAvailability:
    """One client for the whole process; `async with`. It follows no redirect, and knows no proxy of the environment."""

    def __init__(
        self, url: str, *, patience: timedelta = PATIENCE, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._patience = patience.total_seconds()
        self._http = httpx.AsyncClient(
            base_url=url,
            # No compression: what is bounded below is then what came in.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "calsync-connector"},
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=30.0),
            timeout=self._patience,
            trust_env=False,
            transport=transport,
        )

    async def why(self, asker: Asker, window: Window) -> Outlook:
        """Raises NoAnswer."""
        path = f"{_user(asker)}/why"
        return (await self._asked(WhyBody, asker, "GET", path, params=_written(window))).outlook()

    async def preview(self, asker: Asker, window: Window, choice: Sequence[ConflictCalendar]) -> Tried:
        """Raises NoAnswer."""
        calendars = [{"id": one.id, "all_day": one.all_day.value} for one in choice]
        question = {**_written(window), "setup": {"conflict_calendars": calendars}}
        return (await self._asked(PreviewBody, asker, "POST", f"{_user(asker)}/preview", json=question)).tried()

    async def appointments(self, asker: Asker, window: Window) -> Sequence[Appointment]:
        """Raises NoAnswer."""
        path = f"{_user(asker)}/appointments"
        params = {**_written(window), "cancelled": "true"}
        return (await self._asked(AppointmentsBody, asker, "GET", path, params=params)).appointments()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _asked(self, body: type[_Body], asker: Asker, method: str, path: str, **question: Any) -> _Body:  # noqa: ANN401 - httpx's own keywords
        question["headers"] = {"Authorization": f"Bearer {asker.token}"}
        try:
            async with asyncio.timeout(self._patience), self._http.stream(method, path, **question) as answer:
                answer.raise_for_status()
                return body.model_validate_json(await _bounded(answer))
        except httpx.HTTPStatusError as refused:
            raise _unanswered(f"status {refused.response.status_code}") from None
        except (httpx.HTTPError, TimeoutError, ValidationError) as error:
            # Without what was said: a token, an address or a title could stand in it.
            raise _unanswered(type(error).__name__) from None


def _unanswered(why: str) -> NoAnswer:
    _log.warning("availability_unanswered", why=why)
    return NoAnswer(why)


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise _unanswered("too large")
    return bytes(body)


def _user(asker: Asker) -> str:
    return f"v1/users/{quote(asker.user_id, safe='')}"


def _written(window: Window) -> dict[str, str]:
    return {"start": _moment(window.start), "end": _moment(window.end)}


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
