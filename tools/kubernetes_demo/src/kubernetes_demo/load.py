"""Runs inside of the cluster: people at work, over the Services, until `/tmp/over` is there; then one line of JSON.

`/load/said.json` says who: `{connector, availability, readers: [{token, user}], movers: [{token, apple_id,
app_password}]}`. Each reader reads twice over: by connections that are kept, as browsers and proxies do, and by a new
one for each request, as movers do, so that these go to every pod. A request that gets another answer than expected, or
none, has failed. Imports nothing of ours.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

_PAUSE_SECONDS = 0.1
_ANSWER_SECONDS = 25
_CONNECTIONS = "/v1/connections"
_PAGE = "/calendars/settings/connections"
_COOKIE = "__Host-calsync"
_SAID, _OVER = Path("/load/said.json"), Path("/tmp/over")  # noqa: S108 - the pod's own

Json = dict[str, Any]


@dataclass
class Work:
    """All requests of everybody, counted."""

    connector: str
    availability: str
    answered: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    async def ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        expected: int,
        **more: Any,  # noqa: ANN401 - aiohttp's
    ) -> str | None:
        """The answer's body; None, and a note in `failed`, unless the answer is the expected one."""
        try:
            async with session.request(method, url, **more) as answer:
                body = await answer.text()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            self.failed.append(f"{_now()} {method} {url[:60]}: {error!r}")
            return None
        if answer.status != expected:
            self.failed.append(f"{_now()} {method} {url[:60]}: {answer.status} {body[:200]}")
            return None
        self.answered[method] += 1
        return body

    async def read(self, session: aiohttp.ClientSession, person: Json) -> None:
        """Somebody looks at the page, at the connection, and asks when they are busy."""
        mine = {"Authorization": f"Bearer {person['token']}"}
        await self.ask(session, "GET", self.connector + _CONNECTIONS, 200, headers=mine)
        await self.ask(session, "GET", self.connector + _PAGE, 200, headers={"Cookie": f"{_COOKIE}={person['token']}"})
        now = datetime.now(UTC)
        span = {"start": now.isoformat(), "end": (now + timedelta(days=7)).isoformat()}
        busy = f"{self.availability}/v1/users/{person['user']}/busy"
        await self.ask(session, "GET", busy, 200, headers=mine, params=span)

    async def move(self, session: aiohttp.ClientSession, person: Json) -> None:
        """Somebody connects, looks, and disconnects again."""
        mine = {"Authorization": f"Bearer {person['token']}"}
        wish = {name: person[name] for name in ("apple_id", "app_password")}
        wish |= {"access": "read_only", "time_zone": "Europe/Paris"}
        made = await self.ask(session, "POST", self.connector + _CONNECTIONS, 201, headers=mine, json=wish)
        if made is not None:
            one = f"{self.connector}{_CONNECTIONS}/{json.loads(made)['id']}"
            await self.ask(session, "GET", one, 200, headers=mine)
            await self.ask(session, "DELETE", one, 202, headers=mine)


async def _main(said: Json) -> None:
    work = Work(said["connector"], said["availability"])
    patience = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=patience) as keeping,
        aiohttp.ClientSession(timeout=patience, connector=aiohttp.TCPConnector(force_close=True)) as fresh,
        asyncio.TaskGroup() as people,
    ):
        for person in said["readers"]:
            people.create_task(_repeat(partial(work.read, keeping, person)))
            people.create_task(_repeat(partial(work.read, fresh, person)))
        for person in said["movers"]:
            people.create_task(_repeat(partial(work.move, fresh, person)))
    print(json.dumps({"answered": work.answered, "failed": work.failed}))


async def _repeat(step: Callable[[], Awaitable[None]]) -> None:
    while not _over():
        await step()
        await asyncio.sleep(_PAUSE_SECONDS)


def _over() -> bool:
    return _OVER.exists()


def _now() -> str:
    return f"{datetime.now(UTC):%H:%M:%S}"


if __name__ == "__main__":
    asyncio.run(_main(json.loads(_SAID.read_text())))
