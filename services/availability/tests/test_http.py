import httpx
import pytest
from services.availability.tests.examples import (
    HOME,
    NOW,
    WORK,
    ago,
    completed,
    connected,
    imported,
    seconds,
    span,
)
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import MINE
from services.availability.tests.stories import syncs
from services.availability.tests.tokens import Platform

from availability.application.record_connections import RecordConnections
from availability.application.record_events import RecordEvents
from availability.inbound.http.busy import BusyAnswer


async def test_the_answer_holds_busy_spans_and_how_well_they_are_known(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected([HOME, WORK])])
    await RecordEvents(memory)([imported("event-1", span(9, 10), span(10, 11)), imported("event-2", span(-2, 1))])
    await syncs(memory, completed(ago(minutes=5), {WORK: ago(minutes=31)}))

    answer = await client.get(MINE, headers=platform.person())

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "busy": [
            {"start": "2026-03-02T00:00:00Z", "end": "2026-03-02T01:00:00Z"},
            {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T11:00:00Z"},
        ],
        "as_of": "2026-03-02T11:29:00Z",
        "state": "stale",
        "calendars": [
            {"id": HOME, "as_of": "2026-03-02T11:55:00Z", "state": "fresh"},
            {"id": WORK, "as_of": "2026-03-02T11:29:00Z", "state": "stale"},
        ],
    }


async def test_a_user_without_a_connection_is_told_as_such(client: httpx.AsyncClient, platform: Platform) -> None:
    answer = await client.get(MINE, headers=platform.person())

    assert answer.status_code == 200
    assert answer.json() == {"busy": [], "as_of": None, "state": "not_connected", "calendars": []}


async def test_a_calendar_that_was_never_read_has_no_age(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected()])

    answer = await client.get(MINE, headers=platform.person())

    assert answer.json()["state"] == "importing"
    assert answer.json()["calendars"] == [{"id": HOME, "as_of": None, "state": "importing"}]


@pytest.mark.parametrize(
    ("start", "end", "busy"),
    [
        ("2026-03-02T10:00:00+01:00", "2026-03-02T10:30:00+01:00", ("2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z")),
        ("2026-03-02t09:30:00z", "2026-03-02T09:30:00.25Z", ("2026-03-02T09:30:00Z", "2026-03-02T09:30:01Z")),
        ("2026-03-02T09:59:59.9Z", "2026-03-02T10:30:00Z", ("2026-03-02T09:59:59Z", "2026-03-02T10:00:00Z")),
    ],
)
async def test_moments_come_in_any_zone_and_go_out_in_utc(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform, start: str, end: str, busy: tuple[str, str]
) -> None:
    await RecordConnections(memory)([connected()])
    await RecordEvents(memory)([imported("event-1", span(9, 10))])

    answer = await client.get(MINE, params={"start": start, "end": end}, headers=platform.person())

    assert answer.json()["busy"] == [{"start": busy[0], "end": busy[1]}]


async def test_a_person_may_not_ask_about_anybody_else(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected()])

    answers = [
        await client.get(MINE, headers=platform.person(user="user-2")),
        await client.get("/v1/users/nobody/busy", headers=platform.person(user="user-2")),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "not_found"


async def test_a_service_may_ask_about_any_user_of_its_account(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected()])

    own = await client.get(MINE, headers=platform.service())
    elsewhere = await client.get(MINE, headers=platform.service(account="account-2"))

    assert own.json()["state"] == "importing"
    assert elsewhere.json()["state"] == "not_connected"


async def test_a_person_of_the_same_name_in_another_account_sees_nothing(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected()])
    await RecordEvents(memory)([imported("event-1")])

    answer = await client.get(MINE, headers=platform.person(account="account-2"))

    assert answer.json() == {"busy": [], "as_of": None, "state": "not_connected", "calendars": []}


async def test_the_documented_example_is_an_answer(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    schema = document["components"]["schemas"]["BusyAnswer"]
    operation = document["paths"]["/v1/users/{user_id}/busy"]["get"]

    assert BusyAnswer.model_validate(schema["examples"][0]).state == "fresh"
    assert {"200", "401", "403", "404", "422", "503"} <= operation["responses"].keys()
    assert all("examples" in parameter["schema"] or "examples" in parameter for parameter in operation["parameters"])


async def test_what_is_answered_fits_what_is_documented(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await RecordConnections(memory)([connected([HOME, WORK])])
    await RecordEvents(memory)([imported("event-1")])
    await syncs(memory, completed(known=(seconds(NOW), seconds(NOW) + 86_400)))

    answer = await client.get(MINE, headers=platform.person())
    read = BusyAnswer.model_validate_json(answer.content)

    assert read.model_dump(mode="json", exclude_unset=True) == answer.json()
    assert answer.json().keys() == BusyAnswer.model_fields.keys() - {"warning"}
