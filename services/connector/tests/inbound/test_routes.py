"""Every route of the interface: whose it is, what it refuses, what is said about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import APIRoute

from connector.domain.connection import Owner
from connector_examples import APP_PASSWORD, MARIE, OTHER_SERVICE, PAUL, SERVICE, STRANGER
from connector_fakes import FakeApple, FakeConnections
from connector_http import WISH, Interface, as_, interface

SETUP: Mapping[str, object] = {
    "linked_calendar_id": None,
    "conflict_calendars": [],
    "titles": False,
    "when_stale": "keep",
}
ONE = "/v1/connections/{connection_id}"
APPLES = {"credentials_malformed", "credentials_rejected", "icloud_calendar_not_enabled"} | {
    "icloud_unavailable",
    "icloud_not_understood",
    "too_many_attempts",
}


@dataclass(frozen=True)
class Route:
    """A sound request, and what it may be refused with apart from what every request may."""

    refusals: set[str]
    body: Mapping[str, object] | None = None
    names_a_user: bool = False


ROUTES = {
    ("POST", "/v1/connections"): Route(
        APPLES | {"already_connected", "apple_account_in_use", "user_id_needed", "connection_not_found"},
        WISH,
        names_a_user=True,
    ),
    ("GET", "/v1/connections"): Route({"user_id_needed", "connection_not_found"}, names_a_user=True),
    ("GET", ONE): Route({"connection_not_found"}),
    ("DELETE", ONE): Route({"connection_not_found"}),
    ("PUT", f"{ONE}/setup"): Route(
        {
            "if_match_malformed",
            "connection_not_found",
            "changed_meanwhile",
            "unknown_calendar",
            "calendar_unsupported",
            "calendar_not_writable",
            "access_read_only",
            "unknown_time_zone",
        },
        SETUP,
    ),
    ("PUT", f"{ONE}/credentials"): Route(
        APPLES | {"connection_not_found", "apple_id_needed", "different_apple_account", "not_told_yet"},
        {"app_password": APP_PASSWORD},
    ),
    ("POST", f"{ONE}/sync"): Route(
        {"connection_not_found", "unknown_calendar", "held_otherwise", "too_soon", "temporarily_unavailable"}
    ),
    ("POST", f"{ONE}/calendars/refresh"): Route({"connection_not_found", "too_soon", "temporarily_unavailable"}),
}
OF_ONE = [key for key, route in ROUTES.items() if not route.names_a_user]
NAMING = [key for key, route in ROUTES.items() if route.names_a_user]


async def ask(there: Interface, key: tuple[str, str], who: Owner | None, **params: str) -> httpx.Response:
    method, path = key
    headers = as_(who) if who else {}
    return await there.http.request(
        method, path.format(connection_id="c-1"), json=ROUTES[key].body, headers=headers, params=params
    )


def served(routes: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Also those that the documentation leaves out."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods or ())
        else:
            # FastAPI keeps an included router whole.
            yield from served(getattr(getattr(route, "original_router", None), "routes", ()))


def test_every_route_is_in_the_table() -> None:
    app = interface(FakeConnections(), FakeApple())

    there = {(method, path) for method, path in served(app.routes) if path.startswith("/v1/")}

    assert there == set(ROUTES)


@pytest.mark.parametrize("who", [PAUL, STRANGER, OTHER_SERVICE], ids=["colleague", "stranger", "their service"])
@pytest.mark.parametrize("key", OF_ONE, ids=" ".join)
async def test_somebody_elses_connection_is_not_there(there: Interface, key: tuple[str, str], who: Owner) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))
    before = await there.store.of(MARIE)

    answer = await ask(there, key, who)

    assert (answer.status_code, answer.json()["code"]) == (404, "connection_not_found")
    assert (await there.store.of(MARIE), there.workers.asked, there.apple.asked) == (before, [], 1)


@pytest.mark.parametrize("key", OF_ONE, ids=" ".join)
async def test_a_service_of_the_account_may_do_what_the_user_may(there: Interface, key: tuple[str, str]) -> None:
    await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))

    answer = await ask(there, key, SERVICE)

    assert answer.status_code in {200, 202}


@pytest.mark.parametrize("key", NAMING, ids=" ".join)
async def test_a_person_names_nobody_else(there: Interface, key: tuple[str, str]) -> None:
    answer = await ask(there, key, PAUL, user_id=MARIE.user_id)

    assert (answer.status_code, there.store.kept) == (404, {})


@pytest.mark.parametrize("named", [{}, {"user_id": "service:crm"}], ids=["nobody", "a service"])
@pytest.mark.parametrize("key", NAMING, ids=" ".join)
async def test_a_service_names_a_user(there: Interface, key: tuple[str, str], named: dict[str, str]) -> None:
    answer = await ask(there, key, SERVICE, **named)

    assert (answer.status_code, answer.json()["code"]) == (422, "user_id_needed")
    assert there.store.kept == {}


async def test_a_service_connects_disconnects_and_lists_for_the_user_it_names(there: Interface) -> None:
    made = await ask(there, ("POST", "/v1/connections"), SERVICE, user_id=MARIE.user_id)

    theirs = await ask(there, ("GET", "/v1/connections"), MARIE)
    named = await ask(there, ("GET", "/v1/connections"), SERVICE, user_id=MARIE.user_id)
    elsewhere = await ask(there, ("GET", "/v1/connections"), OTHER_SERVICE, user_id=MARIE.user_id)
    gone = [(await ask(there, ("DELETE", ONE), SERVICE)).status_code for _ in range(2)]

    assert made.status_code == 201
    assert theirs.json() == named.json() == {"items": [made.json()]}
    assert elsewhere.json() == {"items": []}
    assert gone == [202, 204]


@pytest.mark.parametrize("key", ROUTES, ids=" ".join)
async def test_without_a_token_there_is_nothing(there: Interface, key: tuple[str, str]) -> None:
    answer = await ask(there, key, None)

    assert answer.status_code == 401


@pytest.mark.parametrize("key", ROUTES, ids=" ".join)
async def test_every_refusal_is_documented_with_an_example(there: Interface, key: tuple[str, str]) -> None:
    document = (await there.http.get("/openapi.json")).json()

    method, path = key
    told = {
        code: example["value"]
        for answer in document["paths"][path][method.lower()]["responses"].values()
        for code, example in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    }

    assert set(told) == ROUTES[key].refusals
    assert all(example["title"] for example in told.values())


async def test_every_body_is_documented_with_an_example(there: Interface) -> None:
    schemas = (await there.http.get("/openapi.json")).json()["components"]["schemas"]

    bodies = ("NewConnection", "NewCredentials", "NewSetup", "Decisions", "ConnectionBody", "ConnectionsBody")

    assert all(schemas[name]["examples"] for name in bodies)
