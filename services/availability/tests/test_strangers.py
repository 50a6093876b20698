"""Every route, and somebody whom its object does not belong to."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import served
from services.availability.tests.tokens import Platform

BOTH = "appointments:write availability:read"
WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
WISH = {"user_id": USER, "start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z", "title": "Coupe"}
SLOT = {"start": "2026-03-04T09:00:00Z", "end": "2026-03-04T10:00:00Z"}
ANOTHER = {"start": "2026-03-05T09:00:00Z", "end": "2026-03-05T10:00:00Z"}


@dataclass(frozen=True)
class Call:
    """How a route is called; `own` is what its object's owner gets. The last call of an owner may end the object."""

    method: str
    path: str
    own: int
    body: dict[str, Any] | None = None
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


# Whoever adds a route adds it here. A user of another account has ids of their own: there the same words mean
# somebody else, so what is named by user alone is asked by a stranger of the same account only.
ROUTES = (
    Call("get", "/v1/users/{user_id}/busy", 200, params=WEEK),
    Call("get", "/v1/users/{user_id}/free", 200, params=WEEK | {"duration": "PT30M"}),
    Call("get", "/v1/users/{user_id}/why", 200, params=WEEK),
    Call("post", "/v1/users/{user_id}/preview", 200, body=WEEK | {"setup": {"conflict_calendars": []}}),
    Call("post", "/v1/busy", 200, body=WEEK | {"user_ids": [USER]}),
    Call("post", "/v1/appointments", 201, body=WISH | ANOTHER, headers={"Idempotency-Key": "k-2"}),
    Call("get", "/v1/appointments/{appointment_id}", 200),
    Call("patch", "/v1/appointments/{appointment_id}", 200, body={"title": "Couleur"}, headers={"If-Match": "*"}),
    Call("delete", "/v1/appointments/{appointment_id}", 204),
    Call("get", "/v1/users/{user_id}/appointments", 200, params=WEEK),
    Call("post", "/v1/users/{user_id}/blocked-slots", 201, body=SLOT),
    Call("get", "/v1/users/{user_id}/blocked-slots", 200),
    Call("get", "/v1/users/{user_id}/blocked-slots/{slot_id}", 200),
    Call("delete", "/v1/users/{user_id}/blocked-slots/{slot_id}", 204),
)


@pytest.fixture
async def theirs(client: httpx.AsyncClient, platform: Platform) -> dict[str, str]:
    """What the table's paths name, all of it of one user."""
    client.params = httpx.QueryParams()
    client.headers.update(platform.person(scope=BOTH))
    appointment = await client.post("/v1/appointments", json=WISH, headers={"Idempotency-Key": "k-1"})
    slot = await client.post(f"/v1/users/{USER}/blocked-slots", json=SLOT)
    return {"user_id": USER, "appointment_id": appointment.json()["id"], "slot_id": slot.json()["id"]}


async def send(client: httpx.AsyncClient, call: Call, names: dict[str, str], who: dict[str, str]) -> httpx.Response:
    path = call.path.format(**names)
    return await client.request(call.method, path, json=call.body, params=call.params, headers=call.headers | who)


def test_every_route_is_in_the_table(memory: MemoryTimeline, platform: Platform) -> None:
    document = served(memory, platform).openapi()

    operations = {(method, path) for path, item in document["paths"].items() for method in item}

    assert {(call.method, call.path) for call in ROUTES} == operations


@pytest.mark.parametrize("call", ROUTES, ids=lambda call: f"{call.method} {call.path}")
async def test_a_stranger_gets_404_and_the_owner_what_they_ask_for(
    client: httpx.AsyncClient, theirs: dict[str, str], platform: Platform, call: Call
) -> None:
    nobodys = dict.fromkeys(theirs, "nobodys")
    colleague = platform.person("user-2", scope=BOTH)

    refused = await send(client, call, theirs, colleague)
    unknown = await send(client, call, nobodys, colleague)
    own = await send(client, call, theirs, {})

    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert refused.json() == unknown.json()
    assert own.status_code == call.own


@pytest.mark.parametrize("call", [c for c in ROUTES if "_id}" in c.path.replace("{user_id}", "")], ids=lambda c: c.path)
async def test_nobody_of_another_account_reaches_an_object_by_its_id(
    client: httpx.AsyncClient, theirs: dict[str, str], platform: Platform, call: Call
) -> None:
    elsewhere = (
        platform.person(USER, "account-2", scope=BOTH),
        platform.person("service:booking", "account-2", scope=BOTH),
    )

    answers = [await send(client, call, theirs, who) for who in elsewhere]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("call", ROUTES, ids=lambda call: f"{call.method} {call.path}")
async def test_a_service_of_the_account_acts_for_its_users(
    client: httpx.AsyncClient, theirs: dict[str, str], platform: Platform, call: Call
) -> None:
    answer = await send(client, call, theirs, platform.person("service:booking", scope=BOTH))

    assert answer.status_code == call.own
