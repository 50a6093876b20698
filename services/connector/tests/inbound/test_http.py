import asyncio
from datetime import timedelta

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from connector.domain.connection import Connection, Owner
from connector.domain.reading import Progress
from connector.domain.sync import Importing, Word
from connector_examples import APP_PASSWORD, APPLE_ID, CALENDARS, MARIE, STRANGER
from connector_fakes import FakeApple, FakeConnections
from connector_http import WISH, Interface, as_, client_of, interface
from icloud import CalendarNotEnabled, CredentialsRejected, ICloudError, NotUnderstood, TryLater

BOTH_ARE_NEW = [
    {"id": "c-1/cal-private", "as_of": None, "state": "waiting"},
    {"id": "c-1/cal-club", "as_of": None, "state": "waiting"},
]


@pytest.mark.parametrize("path", ["/v1/connections/", "/v1/connections/c-1/", "/v1/connections/c-1/setup/"])
async def test_no_password_is_sent_elsewhere_for_a_slash_too_many(there: Interface, path: str) -> None:
    answer = await there.http.post(path, json=WISH, headers=as_(MARIE) | {"Host": "evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers


async def test_all_that_a_path_can_be_asked_for_is_told(there: Interface) -> None:
    answers = [await there.http.patch(path, headers=as_(MARIE)) for path in ("/v1/connections", "/v1/connections/c-1")]

    assert [answer.headers["allow"] for answer in answers] == ["GET, POST", "DELETE, GET"]


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
            "alarm_minutes": None,
        },
        "setup_chosen": False,
        "calendars": [
            {
                "id": f"c-1/{c.id}",
                "name": c.name,
                "color": c.color,
                "writable": c.writable,
                "supported": c.supported,
                "reason": c.reason,
                "new": False,
            }
            for c in CALENDARS
        ],
        "sync": {"state": "importing", "as_of": None, "progress": None, "calendars": BOTH_ARE_NEW},
        "held_removals": [],
        "quarantined": [],
        "needs_reconnect_since": None,
        "last_worked_at": None,
        "apple_id_remembered": True,
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

    assert shown["sync"] == {
        "state": "importing",
        "as_of": None,
        "progress": {"imported": 120, "total": None},
        "calendars": BOTH_ARE_NEW,
    }


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


class AwayDatabase(FakeConnections):
    async def of(self, owner: Owner) -> Connection | None:  # noqa: ARG002 - whoever is asked for
        raise ServerSelectionTimeoutError


async def test_while_the_database_is_away_the_caller_is_asked_to_try_again() -> None:
    async with client_of(interface(AwayDatabase(), FakeApple())) as http:
        answer = await http.get("/v1/connections", headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "10"
