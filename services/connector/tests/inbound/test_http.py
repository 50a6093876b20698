import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from connector.domain.connection import Connection, Owner, Progress
from connector.domain.sync import Importing, Word
from connector_examples import APP_PASSWORD, APPLE_ID, CALENDARS, CREDENTIAL, MARIE, PAUL, PRINCIPAL, STRANGER
from connector_fakes import FakeApple, FakeConnections
from connector_http import WISH, Interface, as_, client_of, interface
from icloud import CalendarNotEnabled, CredentialsRejected, ICloudError, NotUnderstood, TryLater

SERVICE = Owner(MARIE.account_id, "service:booking")
OTHER_SERVICE = Owner(STRANGER.account_id, "service:booking")


@pytest.fixture
async def there() -> AsyncIterator[Interface]:
    store, apple = FakeConnections(), FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)})
    async with client_of(interface(store, apple)) as http:
        yield Interface(http, store, apple)


async def test_connecting_answers_with_the_connection(there: Interface) -> None:
    answer = await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/connections/c-1"
    assert answer.json() == {
        "id": "c-1",
        "state": "connected",
        "access": "read_only",
        "apple_id_hint": "m…@icloud.com",
        "time_zone": "Europe/Paris",
        "setup": {
            "linked_calendar_id": None,
            "conflict_calendars": [
                {"id": "c-1/cal-private", "all_day": "as_marked"},
                {"id": "c-1/cal-club", "all_day": "as_marked"},
            ],
            "titles": False,
            "when_stale": "keep",
        },
        "calendars": [
            {
                "id": f"c-1/{c.id}",
                "name": c.name,
                "color": c.color,
                "writable": c.writable,
                "supported": c.supported,
                "reason": c.reason,
            }
            for c in CALENDARS
        ],
        "sync": {"state": "importing", "as_of": None, "progress": None},
        "created_at": "2026-11-23T08:30:00Z",
    }


async def test_a_connection_is_read_back_as_it_was_answered(there: Interface) -> None:
    made = (await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))).json()

    one = await there.http.get("/v1/connections/c-1", headers=as_(MARIE))
    several = await there.http.get("/v1/connections", headers=as_(MARIE))

    assert (one.status_code, one.json()) == (200, made)
    assert (several.status_code, several.json()) == (200, {"items": [made]})


async def test_progress_of_the_first_import_is_shown(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))
    await there.store.record([Importing(Word("c-1", 1, 1_001), Progress(120, None))])

    shown = (await there.http.get("/v1/connections/c-1", headers=as_(MARIE))).json()

    assert shown["sync"] == {"state": "importing", "as_of": None, "progress": {"imported": 120, "total": None}}


async def test_who_has_no_connection_sees_an_empty_list(there: Interface) -> None:
    answer = await there.http.get("/v1/connections", headers=as_(MARIE))

    assert answer.json() == {"items": []}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("apple_id", "marie"),
        ("apple_id", ""),
        ("app_password", "MyApplePassw0rd!"),
        ("app_password", "abcd-efgh-ijkl"),
        ("time_zone", "Atlantis/Poseidonis"),
        ("time_zone", "../../etc/passwd"),
    ],
)
async def test_what_has_not_the_right_shape_is_refused_before_anything_else(
    there: Interface, member: str, value: str
) -> None:
    answer = await there.http.post("/v1/connections", json=WISH | {member: value}, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, "credentials_malformed")
    assert [error["field"] for error in answer.json()["errors"]] == [f"body.{member}"]
    assert (there.apple.asked, there.store.kept) == (0, {})
    assert not value or value not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        WISH | {"access": "everything"},
        WISH | {"app_password": ["abcd"]},
        WISH | {"account_id": "acc-garage"},
        [WISH],
        "marie",
    ],
)
async def test_a_body_of_another_shape_is_refused_without_an_echo(there: Interface, body: object) -> None:
    answer = await there.http.post("/v1/connections", json=body, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert APP_PASSWORD not in answer.text
    assert APPLE_ID not in answer.text
    assert there.apple.asked == 0


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (CredentialsRejected(), 422, "credentials_rejected", None),
        (CalendarNotEnabled(), 422, "icloud_calendar_not_enabled", None),
        (TryLater(None, "unreachable"), 503, "icloud_unavailable", None),
        (TryLater(timedelta(seconds=90.2), "throttled"), 503, "icloud_unavailable", "91"),
        (NotUnderstood("not_xml"), 502, "icloud_not_understood", None),
    ],
)
async def test_each_refusal_of_apples_has_its_own_answer(
    there: Interface, error: ICloudError, status: int, code: str, retry_after: str | None
) -> None:
    there.apple.fails_with = error

    answer = await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"], answer.headers.get("retry-after")) == (status, code, retry_after)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (there.store.kept, there.store.secrets, there.store.claims) == ({}, {}, {})


async def test_a_second_connection_is_refused(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    answer = await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (409, "already_connected")


async def test_an_apple_account_in_use_elsewhere_is_refused_without_a_word_about_its_holder(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    answer = await there.http.post("/v1/connections", json=WISH, headers=as_(STRANGER))

    assert (answer.status_code, answer.json()["code"]) == (409, "apple_account_in_use")
    assert MARIE.account_id not in answer.text
    assert "c-1" not in answer.text


async def test_the_same_wish_sent_twice_at_once_makes_one_connection(there: Interface) -> None:
    wishes = [there.http.post("/v1/connections", json=WISH, headers=as_(MARIE)) for _ in range(2)]

    answers = await asyncio.gather(*wishes)

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(there.store.kept) == 1


@pytest.mark.parametrize(("language", "word"), [("fr-FR,fr;q=0.9,en;q=0.5", "mot de passe"), ("en", "password")])
async def test_refusals_are_told_in_the_language_of_the_caller(there: Interface, language: str, word: str) -> None:
    headers = as_(MARIE) | {"Accept-Language": language}

    answer = await there.http.post("/v1/connections", json=WISH | {"app_password": "short"}, headers=headers)

    assert word in answer.json()["title"]
    assert word in answer.json()["errors"][0]["message"]


async def test_disconnecting_is_accepted_and_then_already_done(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    first = await there.http.delete("/v1/connections/c-1", headers=as_(MARIE))
    second = await there.http.delete("/v1/connections/c-1", headers=as_(MARIE))

    assert (first.status_code, first.content, second.status_code, second.content) == (202, b"", 204, b"")
    assert (await there.http.get("/v1/connections/c-1", headers=as_(MARIE))).status_code == 404
    assert (await there.http.get("/v1/connections", headers=as_(MARIE))).json() == {"items": []}


@pytest.mark.parametrize("who", [PAUL, STRANGER, OTHER_SERVICE])
async def test_somebody_elses_connection_is_not_there(there: Interface, who: Owner) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    seen = await there.http.get("/v1/connections/c-1", headers=as_(who))
    listed = await there.http.get(f"/v1/connections?user_id={MARIE.user_id}", headers=as_(who))

    assert (seen.status_code, seen.json()["code"]) == (404, "connection_not_found")
    assert listed.status_code == 404 if who is PAUL else listed.json() == {"items": []}


@pytest.mark.parametrize("who", [PAUL, STRANGER])
async def test_somebody_elses_connection_cannot_be_ended(there: Interface, who: Owner) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    answer = await there.http.delete("/v1/connections/c-1", headers=as_(who))

    assert answer.status_code == 404
    assert await there.store.of(MARIE)


async def test_a_service_of_the_account_may_read_what_it_names(there: Interface) -> None:
    made = (await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))).json()

    one = await there.http.get("/v1/connections/c-1", headers=as_(SERVICE))
    several = await there.http.get("/v1/connections", params={"user_id": MARIE.user_id}, headers=as_(SERVICE))
    unnamed = await there.http.get("/v1/connections", headers=as_(SERVICE))

    assert (one.json(), several.json()) == (made, {"items": [made]})
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "user_id_needed")


async def test_a_service_neither_connects_nor_disconnects(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    connecting = await there.http.post("/v1/connections", json=WISH, headers=as_(SERVICE))
    ending = await there.http.delete("/v1/connections/c-1", headers=as_(SERVICE))

    assert [connecting.status_code, ending.status_code] == [403, 403]
    assert await there.store.of(MARIE)


async def test_without_a_token_there_is_nothing(there: Interface) -> None:
    answers = [
        await there.http.post("/v1/connections", json=WISH),
        await there.http.get("/v1/connections"),
        await there.http.get("/v1/connections/c-1"),
        await there.http.delete("/v1/connections/c-1"),
    ]

    assert {answer.status_code for answer in answers} == {401}


class AwayDatabase(FakeConnections):
    async def of(self, owner: Owner) -> Connection | None:  # noqa: ARG002 - whoever is asked for
        raise ServerSelectionTimeoutError


async def test_while_the_database_is_away_the_caller_is_asked_to_try_again() -> None:
    async with client_of(interface(AwayDatabase(), FakeApple())) as http:
        answer = await http.get("/v1/connections", headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "10"


async def test_every_refusal_of_every_route_is_documented_with_an_example(there: Interface) -> None:
    document = (await there.http.get("/openapi.json")).json()

    posted = document["paths"]["/v1/connections"]["post"]
    told = {
        code: example["value"]
        for answer in posted["responses"].values()
        for code, example in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    }

    assert set(told) == {
        "credentials_malformed",
        "credentials_rejected",
        "icloud_calendar_not_enabled",
        "already_connected",
        "apple_account_in_use",
        "icloud_unavailable",
        "icloud_not_understood",
        "person_needed",
    }
    assert all(example["title"] for example in told.values())
    assert document["components"]["schemas"]["ConnectionBody"]["examples"]
    assert "abcd-efgh-ijkl-mnop" in json.dumps(document["components"]["schemas"]["NewConnection"]["examples"])
    assert {route: sorted(methods) for route, methods in document["paths"].items()} == {
        "/v1/connections": ["get", "post"],
        "/v1/connections/{connection_id}": ["delete", "get"],
    }
