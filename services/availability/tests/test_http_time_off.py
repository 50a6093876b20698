"""Time off over HTTP: sent again, and looked at."""

from typing import Any

import httpx
import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import memory_stage, served
from services.availability.tests.tokens import Platform

WRITE = "appointments:write"
SLOTS = f"/v1/users/{USER}/blocked-slots"
OFF = {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T17:00:00Z", "reason": "Congé"}
WISH = {"user_id": USER, "start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z", "title": "Coupe"}


@pytest.fixture
def booking(memory: MemoryTimeline) -> Stage:
    return memory_stage(memory)


@pytest.fixture
async def http(booking: Stage, memory: MemoryTimeline, platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served(memory, platform, booking))
    headers = platform.person(scope=WRITE)
    return httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers)


async def take_off(http: httpx.AsyncClient, key: str = "k-1", **changed: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
    return await http.post(SLOTS, json=OFF | changed, headers={"Idempotency-Key": key})


async def test_a_repeated_request_is_answered_alike_and_another_one_refused(http: httpx.AsyncClient) -> None:
    first, again = await take_off(http), await take_off(http, start="2026-03-03T10:00:00+01:00")
    other = await take_off(http, reason=None)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await http.get(SLOTS)).json() == {"items": [first.json()]}


async def test_a_key_stands_for_one_wish_whatever_kind_it_is(http: httpx.AsyncClient) -> None:
    await take_off(http, "k-off")
    booked = await http.post("/v1/appointments", json=WISH, headers={"Idempotency-Key": "k-book"})

    off = await take_off(http, "k-book")
    book = await http.post("/v1/appointments", json=WISH, headers={"Idempotency-Key": "k-off"})

    assert booked.status_code == 201
    assert {answer.json()["code"] for answer in (off, book)} == {"idempotency_key_reused"}


async def test_callers_do_not_share_their_keys(http: httpx.AsyncClient, platform: Platform) -> None:
    mine = await take_off(http)

    headers = platform.person("service:hr", scope=WRITE) | {"Idempotency-Key": "k-1"}
    theirs = await http.post(SLOTS, json=OFF, headers=headers)

    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine.json()["id"]


async def test_time_off_that_made_no_sense_leaves_its_key_free(http: httpx.AsyncClient) -> None:
    refused = [await take_off(http, end=OFF["start"]), await take_off(http, "")]

    added = await take_off(http)

    assert [answer.json()["code"] for answer in refused] == ["invalid_request"] * 2
    assert added.status_code == 201


async def test_time_off_can_be_looked_at_where_it_is_said_to_be(http: httpx.AsyncClient) -> None:
    added = await take_off(http)
    there = added.headers["location"]

    found = await http.get(there)
    await http.delete(there)
    gone = await http.get(there)

    assert (found.status_code, found.json()) == (200, added.json())
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
