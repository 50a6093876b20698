"""Connecting over HTTP, to the simulator and a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connector.outbound.apple import ICloudAccounts
from connector.outbound.mongo import MongoConnections
from connector_examples import MARIE, PAUL, STRANGER
from connector_http import as_, client_of, interface
from connector_stores import Databases, mongo_store
from icloud import AppleCredential, Endpoint, ICloud
from icloud.credentials import Binding, Envelope, KeyPair, Opener
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin

pytestmark = pytest.mark.servers

ALWAYS = 1.0


@dataclass
class Edges:
    """The service's edges, and what is behind them."""

    http: httpx.AsyncClient
    mine: Databases
    account: SimulatedAccount

    async def connect(self, **other: str) -> httpx.Response:
        """Marie's wish."""
        wish = {
            "apple_id": self.account.apple_id,
            "app_password": self.account.app_password,
            "access": "full",
            "time_zone": "Europe/Paris",
        }
        return await self.http.post("/v1/connections", json=wish | other, headers=as_(MARIE))


@pytest.fixture
async def edges(mine: Databases, keys: KeyPair, endpoint: Endpoint, admin: SimulatorAdmin) -> AsyncIterator[Edges]:
    store = await mongo_store(mine, keys.public_key_file)
    assert isinstance(store.connections, MongoConnections)
    async with ICloud(endpoint) as icloud:
        app = interface(store.connections, ICloudAccounts(icloud, endpoint))
        async with client_of(app) as http:
            yield Edges(http, mine, admin.create_account())


async def test_a_connection_is_made_and_only_a_worker_can_open_its_credential(edges: Edges, keys: KeyPair) -> None:
    answer = await edges.connect()

    assert answer.status_code == 201, answer.text
    stored = await edges.mine.everything()
    assert {name: len(documents) for name, documents in stored.items()} == {
        "connections": 1,
        "principals": 1,
        "credentials": 1,
    }
    sealed = stored["credentials"][0]
    assert set(sealed) == {"_id", "account_id", "epoch", "version", "key_id", "sealed"}
    opened = Opener(keys.private_keys_dir).open(
        Envelope(sealed["version"], sealed["key_id"], sealed["sealed"]), Binding(MARIE.account_id, "c-1")
    )
    assert opened.credential == AppleCredential(edges.account.apple_id, edges.account.app_password)
    assert opened.principal == edges.account.principal


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"errors": {503: ALWAYS}, "retry_after": "120"}, 503, "icloud_unavailable"),
        ({"errors": {429: ALWAYS}, "retry_after": "120"}, 503, "icloud_unavailable"),
        ({"reset": ALWAYS}, 503, "icloud_unavailable"),
        ({"cut": ALWAYS}, 503, "icloud_unavailable"),
        ({"unauthorized": ALWAYS}, 422, "credentials_rejected"),
        ({"html": ALWAYS}, 502, "icloud_not_understood"),
        ({"home_missing": ALWAYS}, 422, "icloud_calendar_not_enabled"),
        ({"html": ALWAYS, "host": "partition"}, 502, "icloud_not_understood"),
        ({"errors": {503: ALWAYS}, "host": "partition"}, 503, "icloud_unavailable"),
    ],
    ids=str,
)
async def test_whatever_apple_refuses_leaves_every_collection_empty(
    edges: Edges, admin: SimulatorAdmin, faults: dict[str, Any], status: int, code: str
) -> None:
    admin.set_faults(**faults)

    answer = await edges.connect()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    # Where Apple throttles without naming a time it is given a quarter of an hour.
    unnamed = "900" if "errors" in faults else None
    assert answer.headers.get("retry-after") == ("120" if "retry_after" in faults else unnamed)
    assert await edges.mine.everything() == {}


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"app_password": "wrng-wrng-wrng-wrng"}, "credentials_rejected"),
        ({"apple_id": "nobody@icloud.com"}, "credentials_rejected"),
        ({"app_password": "My own Apple pa55word"}, "credentials_malformed"),
        ({"time_zone": "Atlantis/Poseidonis"}, "credentials_malformed"),
    ],
)
async def test_what_the_user_got_wrong_leaves_every_collection_empty(
    edges: Edges, other: dict[str, str], code: str
) -> None:
    answer = await edges.connect(**other)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await edges.mine.everything() == {}


async def test_an_account_without_icloud_calendar_is_told_apart(edges: Edges, admin: SimulatorAdmin) -> None:
    admin.set_standing(edges.account.apple_id, calendar_enabled=False)
    admin.set_faults(not_enabled_as="no_home")

    answer = await edges.connect()

    assert (answer.status_code, answer.json()["code"]) == (422, "icloud_calendar_not_enabled")
    assert await edges.mine.everything() == {}


async def test_the_same_wish_sent_twice_at_once_makes_one_connection(edges: Edges) -> None:
    answers = await asyncio.gather(edges.connect(), edges.connect())

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    stored = await edges.mine.everything()
    assert {name: len(documents) for name, documents in stored.items()} == {
        "connections": 1,
        "principals": 1,
        "credentials": 1,
    }


async def test_a_reconnect_puts_another_credential_of_the_same_account_in_the_vault(
    edges: Edges, admin: SimulatorAdmin, keys: KeyPair
) -> None:
    made = (await edges.connect()).json()
    admin.revoke_app_password(edges.account.apple_id, edges.account.app_password)
    password = admin.new_app_password(edges.account.apple_id)
    other = admin.create_account()
    wish, theirs = {"app_password": password}, {"apple_id": other.apple_id, "app_password": other.app_password}
    path = f"/v1/connections/{made['id']}/credentials"

    revoked = await edges.http.put(path, json={"app_password": edges.account.app_password}, headers=as_(MARIE))
    different = await edges.http.put(path, json=theirs, headers=as_(MARIE))
    kept = await edges.mine.everything()
    answer = await edges.http.put(path, json=wish, headers=as_(MARIE))

    assert [(one.status_code, one.json()["code"]) for one in (revoked, different)] == [
        (422, "credentials_rejected"),
        (409, "different_apple_account"),
    ]
    assert [one["epoch"] for one in kept["credentials"]] == [1]
    assert (answer.status_code, answer.json()) == (200, made)
    [sealed] = (await edges.mine.everything())["credentials"]
    opened = Opener(keys.private_keys_dir).open(
        Envelope(sealed["version"], sealed["key_id"], sealed["sealed"]), Binding(MARIE.account_id, made["id"])
    )
    assert (sealed["epoch"], opened.credential.app_password) == (2, password)


async def test_an_alias_in_another_account_is_refused_and_a_colleague_is_not(
    edges: Edges, admin: SimulatorAdmin
) -> None:
    account = admin.create_account(aliases=["marie.salon@me.com"])
    mine = {"apple_id": account.apple_id, "app_password": account.app_password, "access": "full", "time_zone": "UTC"}
    await edges.http.post("/v1/connections", json=mine, headers=as_(MARIE))

    theirs = mine | {"apple_id": "marie.salon@me.com"}
    stranger = await edges.http.post("/v1/connections", json=theirs, headers=as_(STRANGER))
    colleague = await edges.http.post("/v1/connections", json=theirs, headers=as_(PAUL))

    assert (stranger.status_code, stranger.json()["code"]) == (409, "apple_account_in_use")
    assert colleague.status_code == 201


async def test_disconnecting_leaves_a_gravestone_and_nothing_personal(edges: Edges) -> None:
    made = (await edges.connect()).json()

    answer = await edges.http.delete(f"/v1/connections/{made['id']}", headers=as_(MARIE))

    assert answer.status_code == 202
    stored = await edges.mine.everything()
    assert list(stored) == ["connections"]
    [grave] = stored["connections"]
    assert set(grave) == {
        "_id",
        "account_id",
        "user_id",
        "epoch",
        "revision",
        "state",
        "changed_at",
        "published",
        "pending",
        "forget_at",
    }
    assert [(one["news"], one["terms"]) for one in grave["pending"]] == [("disconnected", None)]
    assert "Home" not in str(grave)
