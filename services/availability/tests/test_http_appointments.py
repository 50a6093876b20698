import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import ACCOUNT, USER, ago, completed, connected, imported, rejected, span
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import memory_stage, served
from services.availability.tests.stories import connections, events, syncs
from services.availability.tests.tokens import Platform

from availability.application.timeline import AskLater
from availability.domain.busy import Known
from availability.domain.intervals import Window
from availability.domain.users import User
from availability.inbound.http.blocked_slots import BlockedSlotBody
from availability.inbound.http.bodies import AppointmentBody, AppointmentsBody

WRITE = "appointments:write"
WISH = {
    "user_id": USER,
    "start": "2026-03-02T19:00:00Z",
    "end": "2026-03-02T20:00:00Z",
    "title": "Coupe",
    "location": "Lyon",
}
APPOINTMENTS = "/v1/appointments"
SLOTS = f"/v1/users/{USER}/blocked-slots"
WEEK = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00Z"}


@pytest.fixture
def booking(memory: MemoryTimeline) -> Stage:
    return memory_stage(memory)


@pytest.fixture
async def http(booking: Stage, memory: MemoryTimeline, platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served(memory, platform, booking))
    headers = platform.person(scope=WRITE)
    return httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers)


async def book(http: httpx.AsyncClient, key: str = "k-1", **changed: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
    return await http.post(APPOINTMENTS, json=WISH | changed, headers={"Idempotency-Key": key})


async def test_a_booking_is_answered_with_the_appointment(http: httpx.AsyncClient, memory: MemoryTimeline) -> None:
    await connections(memory, connected())
    await syncs(memory, completed(ago(minutes=5)))

    answer = await book(http)
    body = answer.json()

    assert answer.status_code == 201
    assert (answer.headers["etag"], answer.headers["location"]) == ('"1"', f"{APPOINTMENTS}/{body['id']}")
    assert body == {
        **WISH,
        "id": body["id"],
        "notes": None,
        "state": "booked",
        "revision": 1,
        "created_at": "2026-03-02T12:00:00Z",
        "updated_at": "2026-03-02T12:00:00Z",
        "conflicts": [],
        "export": {"state": "not_exported", "reason": "read_only_access", "changed_in_icloud": None, "at": None},
        "knowledge": {"as_of": "2026-03-02T11:55:00Z", "state": "fresh"},
        "history": [
            {
                "revision": 1,
                "what": "booked",
                "at": "2026-03-02T12:00:00Z",
                "by": USER,
                "start": WISH["start"],
                "end": WISH["end"],
            }
        ],
    }
    assert AppointmentBody.model_validate_json(answer.content).model_dump(mode="json") == body


async def test_a_taken_time_is_told_without_titles(http: httpx.AsyncClient, memory: MemoryTimeline) -> None:
    await connections(memory, connected())
    await events(memory, imported("event-1", span(18, 19.5)))

    answer = await book(http)

    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["conflicts"] == [{"start": "2026-03-02T18:00:00Z", "end": "2026-03-02T19:30:00Z"}]


async def test_knowledge_that_is_too_old_is_told_with_its_age(http: httpx.AsyncClient, memory: MemoryTimeline) -> None:
    await connections(memory, connected())
    await syncs(memory, completed(ago(hours=1)), rejected(revision=2))

    answer = await book(http, max_age="PT10M")

    assert (answer.status_code, answer.json()["code"]) == (409, "knowledge_too_old")
    assert (answer.json()["as_of"], answer.json()["state"]) == ("2026-03-02T11:00:00Z", "needs_reconnect")


async def test_a_repeated_request_is_answered_alike_and_another_one_refused(http: httpx.AsyncClient) -> None:
    first, again = await book(http), await book(http, start="2026-03-02T20:00:00+01:00")
    other = await book(http, title="Couleur")

    assert (again.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_callers_do_not_share_their_keys(http: httpx.AsyncClient, platform: Platform) -> None:
    await book(http)
    headers = platform.person("service:booking", scope=WRITE) | {"Idempotency-Key": "k-1"}

    answer = await http.post(APPOINTMENTS, json=WISH | {"user_id": "user-2"}, headers=headers)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "2026-03-02T20:00:00Z"},
        {"start": "2026-03-02T21:00:00Z"},
        {"start": "2026-03-02T19:00:00"},
        {"start": 1772478000},
        {"start": "2026-03-02T19:00:00.5Z"},
        {"end": "2026-09-02T20:00:00Z"},
        {"start": "1969-12-31T23:00:00Z", "end": "1970-01-01T01:00:00Z"},
        {"title": ""},
        {"title": "x" * 501},
        {"notes": "x" * 10_001},
        {"user_id": ""},
        {"max_age": 600},
        {"max_age": "-PT1S"},
        {"max_age": "P400D"},
        {"canary": 1},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(http: httpx.AsyncClient, changed: dict[str, Any]) -> None:
    answer = await book(http, **changed)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "canary" not in answer.text


async def test_a_booking_needs_a_key(http: httpx.AsyncClient) -> None:
    answer = await http.post(APPOINTMENTS, json=WISH)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.idempotency-key")


async def test_an_appointment_is_changed_by_whoever_has_seen_it(http: httpx.AsyncClient) -> None:
    there = (await book(http)).headers["location"]
    words = {"title": "Couleur", "location": None}

    unseen = await http.patch(there, json=words)
    moved = await http.patch(there, json={"end": "2026-03-02T20:30:00Z"}, headers={"If-Match": '"1"'})
    stale = await http.patch(there, json=words, headers={"If-Match": '"1"'})
    several = await http.patch(there, json=words, headers={"If-Match": 'W/"9", "2"'})
    whatever = await http.patch(there, json={}, headers={"If-Match": "*"})

    assert (unseen.status_code, unseen.json()["code"]) == (428, "if_match_required")
    assert (moved.status_code, moved.headers["etag"], moved.json()["end"]) == (200, '"2"', "2026-03-02T20:30:00Z")
    assert (stale.status_code, stale.json()["code"], stale.headers["etag"]) == (412, "changed_meanwhile", '"2"')
    assert (several.json()["title"], several.json()["location"], several.json()["revision"]) == ("Couleur", None, 3)
    assert (whatever.status_code, whatever.json()["revision"]) == (200, 3)
    assert (await http.get(there)).json() == several.json()


async def test_whoever_moves_out_of_a_conflict_is_not_told_of_it_any_more(
    http: httpx.AsyncClient, memory: MemoryTimeline, booking: Stage
) -> None:
    await connections(memory, connected())
    there = (await book(http)).headers["location"]
    await events(memory, imported("event-1", span(19, 20)))
    await booking.check()
    before = await http.get(there)

    later = {"start": "2026-03-02T21:00:00Z", "end": "2026-03-02T22:00:00Z"}
    moved = await http.patch(there, json=later, headers={"If-Match": before.headers["etag"]})

    assert before.json()["conflicts"] == [{"start": WISH["start"], "end": WISH["end"]}]
    assert (moved.status_code, moved.json()["conflicts"]) == (200, [])


@pytest.mark.parametrize(
    "change", [{"start": None}, {"title": None}, {"end": "2026-03-02T19:00:00Z"}, {"user_id": "u"}]
)
async def test_a_change_that_makes_no_sense_is_refused(http: httpx.AsyncClient, change: dict[str, object]) -> None:
    there = (await book(http)).headers["location"]

    answer = await http.patch(there, json=change, headers={"If-Match": '"1"'})

    assert answer.status_code == 422


async def test_a_cancelled_appointment_is_gone_from_the_list_and_can_be_looked_at(http: httpx.AsyncClient) -> None:
    there = (await book(http)).headers["location"]

    stale = await http.delete(there, headers={"If-Match": '"7"'})
    gone, again = await http.delete(there, headers={"If-Match": '"1"'}), await http.delete(there)
    changed = await http.patch(there, json={"title": "Couleur"}, headers={"If-Match": "*"})
    listed = await http.get(f"/v1/users/{USER}/appointments", params=WEEK)
    with_it = await http.get(f"/v1/users/{USER}/appointments", params={**WEEK, "cancelled": "true"})

    assert [stale.status_code, gone.status_code, again.status_code] == [412, 204, 204]
    assert (await http.get(there)).json()["state"] == "cancelled"
    assert (changed.status_code, changed.json()["code"]) == (409, "appointment_cancelled")
    assert listed.json() == {"items": []}
    assert with_it.json() == {"items": [(await http.get(there)).json()]}


async def test_appointments_are_listed(http: httpx.AsyncClient) -> None:
    second = await book(http)
    first = await book(http, "k-2", start="2026-03-02T15:00:00Z", end="2026-03-02T16:00:00Z")

    listed = await http.get(f"/v1/users/{USER}/appointments", params=WEEK)

    assert listed.json() == {"items": [first.json(), second.json()]}
    assert len(AppointmentsBody.model_validate_json(listed.content).items) == 2


async def test_time_off_is_entered_listed_and_deleted(http: httpx.AsyncClient) -> None:
    today = {"start": "2026-03-02T15:00:00Z", "end": "2026-03-02T16:00:00Z", "reason": "Congé"}
    added = await http.post(SLOTS, json=today)
    past = await http.post(SLOTS, json={"start": "2026-03-01T15:00:00Z", "end": "2026-03-01T16:00:00Z"})

    ahead, week = await http.get(SLOTS), await http.get(SLOTS, params={"start": "2026-03-01T00:00:00Z"})
    deleted = await http.delete(f"{SLOTS}/{added.json()['id']}")
    again = await http.delete(f"{SLOTS}/{added.json()['id']}")

    assert added.status_code == 201
    assert added.json() == {"id": added.json()["id"], **today}
    assert BlockedSlotBody.model_validate_json(added.content).reason == "Congé"
    assert ahead.json() == {"items": [added.json()]}
    assert week.json() == {"items": [past.json(), added.json()]}
    assert (deleted.status_code, again.status_code) == (204, 404)


@pytest.mark.parametrize("days", [0, -1, 1_101])
async def test_time_off_that_makes_no_sense_is_refused(http: httpx.AsyncClient, days: int) -> None:
    start = datetime.fromisoformat("2026-03-02T15:00:00+00:00")

    answer = await http.post(
        SLOTS, json={"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_whoever_may_only_read_books_nothing(http: httpx.AsyncClient, platform: Platform) -> None:
    there = (await book(http)).headers["location"]
    reader = platform.person()

    refused = [
        await http.post(APPOINTMENTS, json=WISH, headers=reader | {"Idempotency-Key": "k-2"}),
        await http.patch(there, json={}, headers=reader | {"If-Match": "*"}),
        await http.delete(there, headers=reader),
        await http.post(SLOTS, json=WEEK, headers=reader),
        await http.delete(f"{SLOTS}/any", headers=reader),
    ]
    read = [
        await http.get(there, headers=reader),
        await http.get(f"/v1/users/{USER}/appointments", params=WEEK, headers=reader),
        await http.get(SLOTS, headers=reader),
    ]

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.status_code for answer in read} == {200}


class AwayTimeline(MemoryTimeline):
    """MongoDB cannot be reached."""

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        del account_id, user_id, window
        raise AskLater


async def test_while_the_store_is_away_a_booking_may_be_repeated_later(platform: Platform) -> None:
    transport = httpx.ASGITransport(served(AwayTimeline(), platform))
    headers = platform.person(scope=WRITE) | {"Idempotency-Key": "k-1"}

    async with httpx.AsyncClient(transport=transport, base_url="http://availability") as client:
        answer = await client.post(APPOINTMENTS, json=WISH, headers=headers)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_many_at_once_get_one_booking_and_the_others_its_time(http: httpx.AsyncClient, booking: Stage) -> None:
    answers = await asyncio.gather(*(book(http, f"k-{number}") for number in range(10)))

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]
    assert len(await booking.bookings.between(User(ACCOUNT, USER), Window(span(0, 24)[0], span(0, 24)[1]))) == 1
