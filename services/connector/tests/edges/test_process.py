"""`python -m connector` as a process of its own, with Kafka away the whole time."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from bson import BSON

from icloud import Endpoint
from icloud.credentials import KeyPair
from icloud_simulator.client import SimulatorAdmin
from leftovers import shapes
from local_stack.ports import free_ports
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys, duration
from runtime import mongo
from runtime.settings import MongoSettings, load

pytestmark = pytest.mark.servers

WISHED_SETUP: Mapping[str, object] = {
    "linked_calendar_id": None,
    "conflict_calendars": [],
    "titles": False,
    "when_stale": "keep",
}


@dataclass(frozen=True)
class Address:
    """Where a process serves, and what it needs to."""

    http: str
    ops: str
    environment: dict[str, str]


def address(mongodb_url: str, keys: KeyPair, platform: TokenKeys, endpoint: Endpoint) -> Address:
    http, ops, nobody = free_ports(3)
    environment = {
        "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{nobody}",
        "CALSYNC_MONGODB_URL": mongodb_url,
        "CALSYNC_ICLOUD_URL": endpoint.entry_url,
        "CALSYNC_ICLOUD_TRUSTED_HOSTS": ",".join(endpoint.trusted_hosts),
        "CALSYNC_AUTH_ISSUER": ISSUER,
        "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
        "CALSYNC_AUTH_JWKS": str(platform.jwks_file),
        "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(keys.public_key_file),
        "CALSYNC_HTTP_HOST": "127.0.0.1",
        "CALSYNC_HTTP_PORT": str(http),
        "CALSYNC_OPS_HOST": "127.0.0.1",
        "CALSYNC_OPS_PORT": str(ops),
        "CALSYNC_LOG_LEVEL": "DEBUG",
        "CALSYNC_KAFKA_PUBLISH_TIMEOUT": "PT1S",
        # Any file that is long enough and stays.
        "CALSYNC_CONNECTOR_KEY_FILE": str(platform.jwks_file),
    }
    return Address(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{ops}", environment)


@asynccontextmanager
async def running(at: Address, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "connector", env=at.environment, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def serves(http: httpx.AsyncClient, process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(30):
        while process.returncode is None:
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
    raise AssertionError("the process ended")


async def test_without_kafka_people_connect_choose_reconnect_and_leave_and_no_password_stays_anywhere(
    mongodb_url: str, keys: KeyPair, endpoint: Endpoint, admin: SimulatorAdmin, tmp_path: Path
) -> None:
    platform, log = TokenKeys(tmp_path), tmp_path / "connector.log"
    platform.make()
    apple, at = admin.create_account(), address(mongodb_url, keys, platform, endpoint)
    claims = {"account_id": f"acc-{uuid4().hex}", "sub": "usr-marie", "scope": "calendar:manage"}
    token = platform.token(claims, duration("1h"))
    wish = {
        "apple_id": apple.apple_id,
        "app_password": apple.app_password,
        "access": "full",
        "time_zone": "Europe/Paris",
    }
    spoilt = apple.app_password.replace("-", "")[:-1] + "!"
    said: list[httpx.Response] = []

    async with (
        running(at, log) as process,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http,
    ):
        await serves(http, process, f"{at.http}/openapi.json")
        for body in (wish | {"app_password": spoilt}, wish | {"access": apple.app_password}, wish, wish):
            said.append(await http.post(f"{at.http}/v1/connections", json=body))  # noqa: PERF401 - one after the other
        said.append(await http.get(f"{at.http}/v1/connections"))
        made = f"{at.http}/v1/connections/{said[2].json()['id']}"
        said.append(await http.put(f"{made}/setup", json=WISHED_SETUP))
        said.append(await http.put(f"{made}/credentials", json={"app_password": spoilt}))
        said.append(await http.put(f"{made}/credentials", json={"app_password": apple.app_password}))
        said.append(await http.post(f"{made}/sync"))
        stored = await _everything(mongodb_url, claims["account_id"])
        said.append(await http.delete(made))
        ready = (await http.get(f"{at.ops}/readyz")).json()
        alive = (await http.get(f"{at.ops}/livez")).status_code
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(25):
            code = await process.wait()

    assert [answer.status_code for answer in said] == [422, 422, 201, 409, 200, 200, 422, 200, 503, 202]
    assert (ready["checks"]["mongodb"], alive, code) == ("ok", 200, 0)
    assert ready["checks"]["consumers"] != "ok"
    assert len(stored) == 3
    answers = b"\n".join(answer.content + str(answer.headers).encode() for answer in said)
    found = [
        (place, shape)
        for secret in (apple.app_password, spoilt)
        for shape, needle in shapes(secret).items()
        for place, content in (("log", log.read_bytes()), ("answers", answers), ("mongodb", b"".join(stored)))
        if needle in content
    ]
    assert found == []
    assert apple.apple_id.encode() not in log.read_bytes() + answers + b"".join(stored)
    events = [json.loads(line).get("event") for line in log.read_text().splitlines()]
    assert {"connection_made", "setup_chosen", "reconnected", "disconnected", "stopped"} <= set(events)


async def _everything(mongodb_url: str, account_id: str) -> list[bytes]:
    """Every document of the account in the databases of the service and of the vault."""
    client = mongo.connect(load(MongoSettings, {"CALSYNC_MONGODB_URL": mongodb_url}), "connector-tests")
    found: list[bytes] = []
    for database in ("connector", "vault"):
        for name in await client[database].list_collection_names():
            async for one in client[database][name].find({"account_id": account_id}):
                found.append(BSON.encode(one))  # noqa: PERF401 - a cursor that awaits
    client.close()
    return found
