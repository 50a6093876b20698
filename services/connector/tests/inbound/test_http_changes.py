"""Setup, credentials and requests for a look, over HTTP."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.reading import (
    CalendarAge,
    CalendarState,
    HeldRemovals,
    Quarantined,
    UnreadableEvent,
)
from connector.domain.sync import Held, Read, Refused, Unreadable, Word
from connector_examples import (
    APP_PASSWORD,
    APPLE_ID,
    CALENDARS,
    MARIE,
    NOW,
)
from connector_fakes import FakeAppleIds
from connector_http import WISH, Interface, as_
from icloud import AppleCredential, ICloudError, NotUnderstood, TryLater

ONE = "/v1/connections/c-1"
PRIVATE, CLUB, SHARED, FEED, TODO = (f"c-1/{c.id}" for c in CALENDARS)
SETUP = {
    "linked_calendar_id": PRIVATE,
    "conflict_calendars": [{"id": CLUB, "all_day": "always_block"}, {"id": SHARED}],
    "titles": True,
    "when_stale": "close",
    "alarm_minutes": 15,
    "time_zone": "America/Montreal",
}
OTHER_PASSWORD = "mnbv-cxzl-kjhg-fdsa"


@pytest.fixture
async def connected(there: Interface) -> Interface:
    """Marie, with full access."""
    await there.http.post("/v1/connections", json=WISH | {"access": "full"}, headers=as_(MARIE))
    return there


async def test_a_setup_is_chosen_and_read_back(connected: Interface) -> None:
    answer = await connected.http.put(f"{ONE}/setup", json=SETUP, headers=as_(MARIE))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["setup"] == {
        "linked_calendar_id": PRIVATE,
        "conflict_calendars": [
            {"id": PRIVATE, "all_day": "as_marked"},
            {"id": CLUB, "all_day": "always_block"},
            {"id": SHARED, "all_day": "as_marked"},
        ],
        "titles": True,
        "when_stale": "close",
        "alarm_minutes": 15,
    }
    assert (body["time_zone"], body["setup_chosen"]) == ("America/Montreal", True)
    assert (await connected.http.get(ONE, headers=as_(MARIE))).json() == body


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"linked_calendar_id": CLUB}, "calendar_not_writable"),
        ({"linked_calendar_id": FEED}, "calendar_unsupported"),
        ({"linked_calendar_id": "nobody's"}, "unknown_calendar"),
        ({"conflict_calendars": [{"id": TODO}]}, "calendar_unsupported"),
        ({"conflict_calendars": [{"id": "nobody's"}]}, "unknown_calendar"),
        ({"time_zone": "Atlantis/Poseidonis"}, "unknown_time_zone"),
    ],
    ids=str,
)
async def test_an_impossible_setup_is_refused_and_changes_nothing(
    connected: Interface, other: dict[str, object], code: str
) -> None:
    before = await connected.store.of(MARIE)

    answer = await connected.http.put(f"{ONE}/setup", json=SETUP | other, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await connected.store.of(MARIE) == before


async def test_who_allowed_reading_only_links_no_calendar(there: Interface) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    answer = await there.http.put(f"{ONE}/setup", json=SETUP, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, "access_read_only")


@pytest.mark.parametrize(
    "other",
    [
        {"conflict_calendars": [{"id": CLUB}, {"id": CLUB, "all_day": "never_block"}]},
        {"conflict_calendars": [{"id": CLUB, "all_day": "sometimes"}]},
        {"alarm_minutes": -1},
        {"alarm_minutes": 40_321},
        {"alarm_minutes": True},
        {"alarm_minutes": "15"},
        {"alarm_minutes": 15.0},
        {"titles": "perhaps"},
        {"when_stale": "panic"},
        {"access": "full"},
    ],
    ids=str,
)
async def test_a_setup_of_another_shape_is_refused(connected: Interface, other: dict[str, object]) -> None:
    answer = await connected.http.put(f"{ONE}/setup", json=SETUP | other, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_calendar_that_is_named_twice_is_told_with_its_field(connected: Interface) -> None:
    twice = SETUP | {"conflict_calendars": [{"id": CLUB}, {"id": CLUB}]}

    setup = await connected.http.put(f"{ONE}/setup", json=twice, headers=as_(MARIE))
    decided = await connected.http.post(
        f"{ONE}/sync", json={"confirm_removals": [CLUB], "keep_removals": [CLUB]}, headers=as_(MARIE)
    )

    assert setup.json()["errors"] == [{"field": "body.conflict_calendars", "message": "names one of them twice"}]
    assert decided.json()["errors"] == [{"field": "body", "message": "names one of them twice"}]


async def test_a_wish_that_does_not_say_that_it_is_json_is_not_read(connected: Interface) -> None:
    headers = as_(MARIE) | {"Content-Type": "text/plain"}

    answer = await connected.http.post(f"{ONE}/sync", content=b'{"confirm_removals": ["x"]}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_another_password_of_the_same_apple_account_brings_the_connection_back(connected: Interface) -> None:
    connected.apple.accounts[AppleCredential(APPLE_ID, OTHER_PASSWORD)] = next(iter(connected.apple.accounts.values()))
    await connected.http.put(f"{ONE}/setup", json=SETUP, headers=as_(MARIE))
    await connected.store.record([Refused(Word("c-1", 1, 5_001), NOW, NOW - timedelta(hours=1))])
    refused = (await connected.http.get(ONE, headers=as_(MARIE))).json()

    answer = await connected.http.put(f"{ONE}/credentials", json={"app_password": OTHER_PASSWORD}, headers=as_(MARIE))

    assert (refused["state"], refused["needs_reconnect_since"], refused["last_worked_at"]) == (
        "needs_reconnect",
        "2026-11-23T08:30:00Z",
        "2026-11-23T07:30:00Z",
    )
    assert answer.status_code == 200, answer.text
    changed = {"state": "connected", "needs_reconnect_since": None} | {"sync": answer.json()["sync"]}
    assert answer.json() == refused | changed
    assert connected.store.secrets["c-1"].credential.app_password == OTHER_PASSWORD


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"app_password": "MyApplePassw0rd!"}, "credentials_malformed", "body.app_password"),
        ({"app_password": OTHER_PASSWORD, "apple_id": "marie"}, "credentials_malformed", "body.apple_id"),
        ({"app_password": OTHER_PASSWORD}, "credentials_rejected", None),
        ({"app_password": APP_PASSWORD, "apple_id": "nobody@icloud.com"}, "credentials_rejected", None),
    ],
)
async def test_a_credential_that_does_not_work_changes_nothing(
    connected: Interface, body: dict[str, str], code: str, field: str | None
) -> None:
    before, secrets = await connected.store.of(MARIE), dict(connected.store.secrets)

    answer = await connected.http.put(f"{ONE}/credentials", json=body, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])
    assert (await connected.store.of(MARIE), connected.store.secrets) == (before, secrets)
    assert body["app_password"] not in answer.text


@pytest.mark.parametrize(
    ("error", "status"), [(TryLater(timedelta(seconds=90), "down"), 503), (NotUnderstood("html"), 502)]
)
async def test_what_apple_gets_wrong_does_not_touch_what_works(
    connected: Interface, error: ICloudError, status: int
) -> None:
    before = await connected.store.of(MARIE)
    connected.apple.fails_with = error

    answer = await connected.http.put(f"{ONE}/credentials", json={"app_password": OTHER_PASSWORD}, headers=as_(MARIE))

    assert answer.status_code == status
    assert await connected.store.of(MARIE) == before


async def test_another_apple_account_is_refused(connected: Interface) -> None:
    connected.apple.accounts[AppleCredential("marie@me.com", OTHER_PASSWORD)] = ("/777/principal/", CALENDARS)
    body = {"app_password": OTHER_PASSWORD, "apple_id": "marie@me.com"}

    answer = await connected.http.put(f"{ONE}/credentials", json=body, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (409, "different_apple_account")


async def test_while_nobody_hears_of_reconnects_no_more_are_taken_than_can_wait(connected: Interface) -> None:
    body = {"app_password": APP_PASSWORD}
    for _ in range(4):
        assert (await connected.http.put(f"{ONE}/credentials", json=body, headers=as_(MARIE))).status_code == 200
    before = await connected.store.of(MARIE)

    answer = await connected.http.put(f"{ONE}/credentials", json=body, headers=as_(MARIE))
    over = await connected.http.delete(ONE, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "not_told_yet", "120")
    assert before is not None
    assert before.epoch == 5
    assert over.status_code == 202


async def test_whose_apple_id_is_not_remembered_is_asked_for_it(connected: Interface) -> None:
    kept = connected.store.kept["c-1"]
    made = await connected.store.of(MARIE)
    assert made
    kept.entity = replace(made, apple=replace(made.apple, remembered=FakeAppleIds().seal(APPLE_ID, "c-2")))

    answer = await connected.http.put(f"{ONE}/credentials", json={"app_password": APP_PASSWORD}, headers=as_(MARIE))
    named = {"app_password": APP_PASSWORD, "apple_id": APPLE_ID}
    again = await connected.http.put(f"{ONE}/credentials", json=named, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (422, "apple_id_needed")
    assert (again.status_code, again.json()["apple_id_remembered"]) == (200, True)


@pytest.mark.parametrize("path", ["sync", "calendars/refresh"])
async def test_a_look_is_asked_for_and_not_again_at_once(connected: Interface, path: str) -> None:
    first = await connected.http.post(f"{ONE}/{path}", headers=as_(MARIE))
    second = await connected.http.post(f"{ONE}/{path}", headers=as_(MARIE))

    assert (first.status_code, first.content) == (202, b"")
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (429, "too_soon", "5")
    assert [(one.connection.id, one.at) for one in connected.workers.asked] == [("c-1", NOW)]


async def test_what_is_decided_about_held_removals_is_told_to_the_workers(connected: Interface) -> None:
    decided = {"confirm_removals": [PRIVATE], "keep_removals": [CLUB]}

    answer = await connected.http.post(f"{ONE}/sync", json=decided, headers=as_(MARIE))

    assert answer.status_code == 202
    assert [(one.confirm, one.keep) for one in connected.workers.asked] == [((PRIVATE,), (CLUB,))]


@pytest.mark.parametrize(
    ("decided", "code"),
    [
        ({"confirm_removals": ["nobody's"]}, "unknown_calendar"),
        ({"confirm_removals": [PRIVATE], "keep_removals": [PRIVATE]}, "invalid_request"),
        ({"confirm_removals": PRIVATE}, "invalid_request"),
    ],
)
async def test_a_decision_that_makes_no_sense_is_refused(
    connected: Interface, decided: dict[str, object], code: str
) -> None:
    answer = await connected.http.post(f"{ONE}/sync", json=decided, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"], connected.workers.asked) == (422, code, [])


async def test_while_the_workers_cannot_be_reached_the_caller_is_asked_to_try_again(connected: Interface) -> None:
    connected.workers.away = True

    answer = await connected.http.post(f"{ONE}/sync", headers=as_(MARIE))

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "10"


async def test_what_the_workers_told_is_shown(connected: Interface) -> None:
    hour = timedelta(hours=1)
    await connected.store.record(
        [
            Read(Word("c-1", 1, 9), NOW, (CalendarAge(CLUB, NOW - hour, CalendarState.HELD),)),
            Held(Word("c-1", 1, 8), HeldRemovals(CLUB, NOW - hour, 40, 38, "shrunken")),
            Unreadable(
                Word("c-1", 1, 7), Quarantined(PRIVATE, 3, (UnreadableEvent("e", "not_ical", NOW, NOW + hour),))
            ),
        ]
    )

    body = (await connected.http.get(ONE, headers=as_(MARIE))).json()

    assert body["sync"]["calendars"] == [
        {"id": PRIVATE, "as_of": "2026-11-23T08:30:00Z", "state": "read"},
        {"id": CLUB, "as_of": "2026-11-23T07:30:00Z", "state": "held"},
    ]
    assert body["held_removals"] == [
        {
            "calendar_id": CLUB,
            "since": "2026-11-23T07:30:00Z",
            "known": 40,
            "missing": 38,
            "doubt": "shrunken",
            "kept_until": None,
        }
    ]
    assert body["quarantined"] == [
        {
            "calendar_id": PRIVATE,
            "count": 3,
            "objects": [{"reason": "not_ical", "start": "2026-11-23T08:30:00Z", "end": "2026-11-23T09:30:00Z"}],
        }
    ]
    assert body["last_worked_at"] == "2026-11-23T08:30:00Z"


@pytest.mark.parametrize(("hours", "shown"), [(24, "2026-11-24T08:30:00Z"), (0, None), (-1, None)])
async def test_until_when_held_removals_are_kept_is_shown_while_that_lasts(
    connected: Interface, hours: int, shown: str | None
) -> None:
    until = NOW + timedelta(hours=hours)
    await connected.store.record([Held(Word("c-1", 1, 8), HeldRemovals(CLUB, NOW, 40, 38, "shrunken", until))])

    (held,) = (await connected.http.get(ONE, headers=as_(MARIE))).json()["held_removals"]

    assert held["kept_until"] == shown
