"""What nobody can book, whoever they say they are."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import memory_stage, served
from services.availability.tests.tokens import Platform

BOTH = "appointments:write availability:read"
APPOINTMENTS = "/v1/appointments"
WISH = {"user_id": USER, "start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z", "title": "Coupe"}
WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}
SLOTS = f"/v1/users/{USER}/blocked-slots"
LAST = {"start": "2099-12-31T23:00:00Z", "end": "2100-01-01T00:00:00Z"}
TOO_LATE = {"start": "2099-12-31T23:00:00Z", "end": "2100-01-01T00:00:01Z"}
NO_USERS = [f"{USER}\n", f"{USER} ", f" {USER}", "usr é", "usr/1", "u" * 129, ""]


@pytest.fixture
def booking(memory: MemoryTimeline) -> Stage:
    return memory_stage(memory)


@pytest.fixture
async def http(booking: Stage, memory: MemoryTimeline, platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served(memory, platform, booking))
    headers = platform.person("service:booking", scope=BOTH)
    return httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers)


async def book(http: httpx.AsyncClient, key: str = "k-1", **changed: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
    return await http.post(APPOINTMENTS, json=WISH | changed, headers={"Idempotency-Key": key})


async def test_nothing_is_booked_moved_or_closed_after_2099(http: httpx.AsyncClient) -> None:
    there = (await book(http)).headers["location"]

    answers = [
        await book(http, "k-2", **TOO_LATE),
        await book(http, "k-3", start="9998-12-31T00:00:00Z", end="9998-12-31T01:00:00Z"),
        await http.patch(there, json=TOO_LATE, headers={"If-Match": "*"}),
        await http.post(SLOTS, json=TOO_LATE),
    ]
    taken = [await book(http, "k-4", **LAST), await http.post(SLOTS, json=LAST)]

    assert [answer.status_code for answer in answers] == [422] * 4
    assert all("between 1970 and 2100" in answer.json()["title"] for answer in answers)
    assert [answer.status_code for answer in taken] == [201, 201]


async def test_questions_may_go_on_for_longer_than_bookings(http: httpx.AsyncClient) -> None:
    late = {"start": "9999-12-01T00:00:00Z", "end": "9999-12-31T00:00:00Z"}

    answer = await http.get(f"/v1/users/{USER}/busy", params=late)

    assert answer.status_code == 200


@pytest.mark.parametrize("user_id", NO_USERS)
async def test_what_cannot_be_a_users_id_is_nobody(http: httpx.AsyncClient, user_id: str) -> None:
    answers = [
        await book(http, user_id=user_id),
        await http.post("/v1/busy", json=WEEK | {"user_ids": [USER, user_id]}),
    ]
    if "/" not in user_id and user_id:
        there = f"/v1/users/{quote(user_id)}"
        answers.append(await http.get(f"{there}/busy", params=WEEK))
        answers.append(await http.post(f"{there}/blocked-slots", json=WEEK))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}


@pytest.mark.parametrize("name", ["service:booking", "service:other", "service:"])
async def test_a_service_is_no_user(http: httpx.AsyncClient, name: str) -> None:
    answers = [
        await book(http, user_id=name),
        await http.get(f"/v1/users/{name}/busy", params=WEEK),
        await http.post("/v1/busy", json=WEEK | {"user_ids": [name]}),
        await http.post(f"/v1/users/{name}/blocked-slots", json=WEEK),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.parametrize("title", [" ", " \t\n ", "\u2003"])
async def test_a_title_that_nobody_can_read_is_none(http: httpx.AsyncClient, title: str) -> None:
    there = (await book(http, "k-0")).headers["location"]

    booked = await book(http, title=title)
    changed = await http.patch(there, json={"title": title}, headers={"If-Match": "*"})

    assert {answer.status_code for answer in (booked, changed)} == {422}
    assert booked.json()["errors"] == [{"field": "body.title", "message": "must not be blank"}]


async def test_how_fresh_a_booking_wants_it_is_no_month(http: httpx.AsyncClient) -> None:
    answer = await book(http, max_age="P1M")

    assert answer.status_code == 422


async def test_time_off_that_was_entered_is_where_it_is_said_to_be(http: httpx.AsyncClient) -> None:
    there = "/v1/users/usr|1/blocked-slots"

    added = await http.post(there, json=WEEK)
    deleted = await http.delete(added.headers["location"])

    assert added.headers["location"] == f"/v1/users/usr%7C1/blocked-slots/{added.json()['id']}"
    assert deleted.status_code == 204


@pytest.mark.parametrize(
    "asked",
    [
        {"start": WEEK["end"], "end": WEEK["start"]},
        {"start": WEEK["start"], "end": WEEK["start"]},
        {"end": "2026-03-01T00:00:00Z"},
        {"start": "9999-12-31T23:59:59-14:00"},
        {"end": "0001-01-01T00:00:00Z"},
    ],
)
async def test_a_question_for_time_off_that_makes_no_sense_is_refused(
    http: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    answer = await http.get(SLOTS, params=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_time_off_within_a_second_is_found(http: httpx.AsyncClient) -> None:
    added = await http.post(SLOTS, json=WEEK)

    found = await http.get(SLOTS, params={"start": "2026-03-03T00:00:00.5Z", "end": "2026-03-03T00:00:00.7Z"})

    assert found.json() == {"items": [added.json()]}


@pytest.mark.parametrize("path", [f"{APPOINTMENTS}/", f"{SLOTS}/", "/v1/busy/"])
async def test_nobody_is_sent_elsewhere_for_a_slash_too_many(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.post(path, json=WISH, headers={"Host": "evil.example"})

    assert (answer.status_code, "location" in answer.headers) in {(404, False), (405, False)}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_all_that_a_path_can_be_asked_for_is_told(http: httpx.AsyncClient) -> None:
    there = (await book(http)).headers["location"]

    answers = [await http.put(path) for path in (there, SLOTS)]

    assert [answer.headers["allow"] for answer in answers] == ["DELETE, GET, PATCH", "GET, POST"]
