"""Busy time of many, open time, and why: over HTTP."""

from typing import Any

import httpx
import pytest
from services.availability.tests.examples import (
    HOME,
    USER,
    WORK,
    ago,
    completed,
    connected,
    held,
    imported,
    quarantined,
    span,
)
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import MINE, WEEK
from services.availability.tests.stories import connections, events, syncs
from services.availability.tests.tokens import Platform

from availability.domain.blocking import AllDayRule
from availability.inbound.http.busy import BusyUsers
from availability.inbound.http.free import FreeAnswer
from availability.inbound.http.why import PreviewAnswer, WhyAnswer
from contracts.events import QuarantinedObject
from contracts.facts import OccurrenceFacts

DAY = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T12:00:00Z"}
FREE, WHY = (f"/v1/users/{USER}/{noun}" for noun in ("free", "why"))
PREVIEW = f"/v1/users/{USER}/preview"


def spans(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"start": f"2026-03-02T{start}:00Z", "end": f"2026-03-02T{end}:00Z"} for start, end in pairs]


@pytest.fixture
def person(platform: Platform) -> dict[str, str]:
    return platform.person()


async def known(memory: MemoryTimeline, *, when_stale: str = "keep", minutes: int = 5) -> None:
    """A titled event from nine to ten, and an old meeting that was cancelled."""
    await connections(memory, connected(choices={"titles": True, "when_stale": when_stale}))
    cancelled = OccurrenceFacts(cancelled=True)
    await events(
        memory, imported("event-1", title="Dentiste"), imported("event-2", span(10, 11), facts=cancelled, title="Chef")
    )
    await syncs(memory, completed(ago(minutes=minutes)))


async def test_open_time_lies_between_what_is_taken(
    memory: MemoryTimeline, client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    await known(memory)

    long = await client.get(FREE, params=DAY | {"duration": "PT1H30M"}, headers=person)
    any_length = await client.get(FREE, params=DAY | {"duration": "PT1H"}, headers=person)

    assert long.json() == {"free": spans(("10:00", "12:00")), "as_of": "2026-03-02T11:55:00Z", "state": "fresh"}
    assert any_length.json()["free"] == spans(("08:00", "09:00"), ("10:00", "12:00"))
    assert FreeAnswer.model_validate_json(long.content).model_dump(mode="json", exclude_unset=True) == long.json()


async def test_with_a_step_bookable_times_stand_on_a_grid(
    memory: MemoryTimeline, client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    await known(memory)

    found = await client.get(FREE, params=DAY | {"duration": "PT1H", "step": "PT30M"}, headers=person)

    assert found.json()["free"] == spans(("08:00", "09:00"), ("10:00", "11:00"), ("10:30", "11:30"), ("11:00", "12:00"))


async def test_open_time_never_reaches_outside_of_what_was_asked(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    asked = {"start": "2026-03-02T08:00:00.5Z", "end": "2026-03-02T09:00:00.5Z", "duration": "PT1S"}

    found = await client.get(FREE, params=asked, headers=person)

    assert found.json()["free"] == [{"start": "2026-03-02T08:00:01Z", "end": "2026-03-02T09:00:00Z"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"duration": "3600"},
        {"duration": "PT0S"},
        {"duration": "PT0.5S"},
        {"duration": "PT1.5S"},
        {"duration": "P93D"},
        {"duration": "P1M"},
        {"duration": "P1Y"},
        {"duration": "-PT1H"},
        {"duration": "PT1H", "step": "PT59S"},
        {"duration": "PT1H", "step": "canary"},
        WEEK | {"end": "2026-06-02T00:00:00Z", "duration": "PT1H", "step": "PT5M"},
    ],
)
async def test_a_length_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, person: dict[str, str], wrong: dict[str, str]
) -> None:
    answer = await client.get(FREE, params=WEEK | wrong, headers=person)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("said", "language", "message"),
    [
        ("PT0S", "en", "must be at least PT1S"),
        ("P93D", "fr", "doit valoir au plus P92D"),
        ("P1M", "en", "must be an ISO 8601 duration in weeks, days, hours, minutes and seconds"),
        ("3600", "fr", "doit être une durée ISO 8601 en semaines, jours, heures, minutes et secondes"),
    ],
)
async def test_what_is_wrong_with_a_length_is_told_as_callers_write_it(
    client: httpx.AsyncClient, platform: Platform, said: str, language: str, message: str
) -> None:
    headers = platform.person() | {"Accept-Language": language}

    answer = await client.get(FREE, params=DAY | {"duration": said}, headers=headers)

    assert answer.json()["errors"] == [{"field": "query.duration", "message": message}]


async def test_why_tells_all_that_touches_the_time_with_its_rule(
    memory: MemoryTimeline, client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    await known(memory)
    lost = QuarantinedObject(event_id="event-9", reason="too_large")
    await syncs(memory, held(), quarantined(lost, revision=2))

    answer = await client.get(WHY, params=DAY, headers=person)

    whole = {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T12:00:00Z", "calendar_id": HOME}
    [nine], [ten] = spans(("09:00", "10:00")), spans(("10:00", "11:00"))
    assert answer.json() == {
        "blocking": [
            {"kind": "event", **nine, "calendar_id": HOME, "id": "event-1", "rule": "busy", "title": "Dentiste"}
        ],
        "ignored": [
            {"kind": "held", **whole, "id": None, "rule": "removals_held", "reason": "shrunken"},
            {"kind": "event", **ten, "calendar_id": HOME, "id": "event-2", "rule": "cancelled", "title": "Chef"},
            {
                "kind": "quarantined",
                "start": None,
                "end": None,
                "calendar_id": HOME,
                "id": "event-9",
                "rule": "unreadable",
                "reason": "too_large",
            },
        ],
        "as_of": "2026-03-02T11:55:00Z",
        "state": "fresh",
        "calendars": [{"id": HOME, "as_of": "2026-03-02T11:55:00Z", "state": "fresh"}],
    }
    assert WhyAnswer.model_validate_json(answer.content).model_dump(mode="json", exclude_unset=True) == answer.json()


async def test_no_service_is_told_a_title(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await known(memory)

    answer = await client.get(WHY, params=DAY, headers=platform.service())

    assert [reason["id"] for reason in answer.json()["blocking"]] == ["event-1"]
    assert "Dentiste" not in answer.text
    assert "Chef" not in answer.text


@pytest.mark.parametrize(
    ("when_stale", "busy", "warning"),
    [
        ("keep", ("09:00", "10:00"), None),
        ("warn", ("09:00", "10:00"), "stale"),
        ("close", ("08:00", "12:00"), None),
    ],
)
async def test_every_answer_goes_by_what_the_account_makes_of_staleness(
    memory: MemoryTimeline,
    client: httpx.AsyncClient,
    person: dict[str, str],
    when_stale: str,
    busy: tuple[str, str],
    warning: str | None,
) -> None:
    await known(memory, when_stale=when_stale, minutes=31)

    one = (await client.get(MINE, params=DAY, headers=person)).json()
    many = (await client.post("/v1/busy", json=DAY | {"user_ids": [USER]}, headers=person)).json()
    free = (await client.get(FREE, params=DAY | {"duration": "PT1H"}, headers=person)).json()
    why = (await client.get(WHY, params=DAY, headers=person)).json()

    assert one["busy"] == spans(busy)
    assert many == {"users": {USER: one}}
    assert free["free"] == ([] if when_stale == "close" else spans(("08:00", "09:00"), ("10:00", "12:00")))
    assert [(answer["state"], answer.get("warning")) for answer in (one, free, why)] == [("stale", warning)] * 3


async def test_who_books_while_closed_is_told_so(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await known(memory, when_stale="close", minutes=31)
    wish = {"user_id": USER, "start": "2026-03-03T09:00:00Z", "end": "2026-03-03T10:00:00Z", "title": "Coupe"}

    headers = platform.person(scope="appointments:write") | {"Idempotency-Key": "k"}
    answer = await client.post("/v1/appointments", json=wish, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["reason"] == "closed_while_stale"
    assert answer.json()["title"].startswith("Nobody can be booked with this user at the moment")
    assert answer.json()["conflicts"] == [{"start": wish["start"], "end": wish["end"]}]


async def test_a_service_asks_about_many_users_and_a_person_about_nobody_else(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform
) -> None:
    await known(memory)
    question = DAY | {"user_ids": [USER, "user-2"]}

    service = await client.post("/v1/busy", json=question, headers=platform.service())
    elsewhere = await client.post("/v1/busy", json=question, headers=platform.service("account-2"))
    person = await client.post("/v1/busy", json=question, headers=platform.person())

    assert {user: found["state"] for user, found in service.json()["users"].items()} == {
        USER: "fresh",
        "user-2": "not_connected",
    }
    assert service.json()["users"][USER]["busy"] == spans(("09:00", "10:00"))
    assert {found["state"] for found in elsewhere.json()["users"].values()} == {"not_connected"}
    assert (person.status_code, person.json()["code"]) == (404, "not_found")
    BusyUsers.model_validate_json(service.content)


@pytest.mark.parametrize("users", [[], [""], ["u"] * 101, ["u" * 129], "user-1", None])
async def test_nobody_and_too_many_cannot_be_asked_about(
    client: httpx.AsyncClient, platform: Platform, users: object
) -> None:
    answer = await client.post("/v1/busy", json=DAY | {"user_ids": users}, headers=platform.service())

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_preview_goes_by_the_setup_that_is_tried_and_changes_nothing(
    memory: MemoryTimeline, client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    holiday = OccurrenceFacts(all_day=True, transparent=True)
    await known(memory)
    await events(memory, imported("event-3", span(0, 24), facts=holiday, title="Congés"))
    chosen = [{"id": HOME, "all_day": AllDayRule.ALWAYS_BLOCK}, {"id": WORK}]

    tried = await client.post(PREVIEW, json=DAY | {"setup": {"conflict_calendars": chosen}}, headers=person)
    none = await client.post(PREVIEW, json=DAY | {"setup": {"conflict_calendars": []}}, headers=person)
    stays = await client.get(MINE, params=DAY, headers=person)

    assert [(one["id"], one["rule"]) for one in tried.json()["blocking"]] == [
        ("event-3", "all_day_rule"),
        ("event-1", "busy"),
    ]
    assert tried.json()["calendars"] == [
        {
            "id": HOME,
            "as_of": "2026-03-02T11:55:00Z",
            "state": "fresh",
            "known": True,
            "all_day_marked_free": 1,
        },
        {"id": WORK, "as_of": None, "state": "importing", "known": False, "all_day_marked_free": None},
    ]
    assert "Congés" not in tried.text
    assert {one["rule"] for one in none.json()["ignored"]} == {"not_a_conflict_calendar"}
    assert stays.json()["busy"] == spans(("09:00", "10:00"))
    PreviewAnswer.model_validate_json(tried.content)


async def test_a_preview_of_a_calendar_that_is_named_twice_is_refused(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    chosen = [{"id": HOME, "all_day": AllDayRule.ALWAYS_BLOCK}, {"id": HOME}]

    answer = await client.post(PREVIEW, json=DAY | {"setup": {"conflict_calendars": chosen}}, headers=person)

    assert answer.json()["errors"] == [{"field": "body.setup.conflict_calendars", "message": "names one of them twice"}]


async def test_a_preview_of_somebody_without_a_connection_knows_no_calendar(
    client: httpx.AsyncClient, person: dict[str, str]
) -> None:
    body: dict[str, Any] = DAY | {"setup": {"conflict_calendars": [{"id": HOME}]}}

    answer = await client.post(PREVIEW, json=body, headers=person)

    assert answer.json()["state"] == "not_connected"
    assert answer.json()["calendars"] == [
        {"id": HOME, "as_of": None, "state": "not_connected", "known": False, "all_day_marked_free": None}
    ]
