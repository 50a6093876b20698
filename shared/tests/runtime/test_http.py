import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Message, Receive, Scope, Send

from runtime.auth import Forbidden, KeysUnavailable, TokenMissing, Unauthenticated
from runtime.http import Problem, install
from runtime.http.guard import Guard

A_MOMENT = {
    "en": "must be an RFC 3339 moment, as 2026-03-02T19:00:00Z (in a query, + is written %2B)",
    "fr": "doit être un instant RFC 3339, comme 2026-03-02T19:00:00Z (dans une requête, + s'écrit %2B)",
}


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    access: Literal["full", "read_only"]
    name: str = Field(max_length=10)
    at: datetime | None = None
    many: int = Field(1, le=5)


async def refuse_unknown() -> None:
    raise TokenMissing("no bearer token")


async def refuse_unauthenticated() -> None:
    raise Unauthenticated("ExpiredSignatureError")


def several_routes_of_one_path() -> APIRouter:
    many = APIRouter(prefix="/many")

    @many.get("")
    @many.delete("/{item_id}")
    async def some() -> None: ...

    @many.post("")
    async def more() -> None: ...

    return many


def make_app() -> FastAPI:
    app = FastAPI()

    @app.post("/wishes")
    async def wish(wish: Wish) -> dict[str, str]:
        return {"name": wish.name}

    app.include_router(several_routes_of_one_path())

    @app.get("/items/{item_id}")
    async def item(item_id: str, limit: Annotated[int, Query(le=5)] = 1) -> dict[str, Any]:
        return {"id": item_id, "limit": limit}

    @app.get("/refused")
    async def refused() -> None:
        title = {"en": "The slot is taken.", "fr": "Le créneau est pris."}
        raise Problem(409, "slot_taken", title, headers={"Retry-After": "5"}, extra={"conflicts": [1]})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("canary")

    @app.get("/unknown", dependencies=[Depends(refuse_unknown)])
    @app.get("/closed", dependencies=[Depends(refuse_unauthenticated)])
    async def closed() -> None: ...

    @app.get("/forbidden")
    async def forbidden() -> None:
        raise Forbidden("scope")

    @app.get("/keyless")
    async def keyless() -> None:
        raise KeysUnavailable

    @app.get("/page")
    async def page(response: Response) -> str:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return "page"

    install(app)
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app()), base_url="http://tests") as client:
        yield client


async def test_a_problem_has_code_status_and_a_title_for_people(client: httpx.AsyncClient) -> None:
    answer = await client.get("/refused")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {
        "type": "about:blank",
        "title": "The slot is taken.",
        "status": 409,
        "code": "slot_taken",
        "conflicts": [1],
    }


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("de, fr;q=0.2, en;q=0.1", "fr"),
        ("en-GB,fr;q=0.9", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("de", "en"),
        (";;;,q=,fr;q=x", "en"),
    ],
)
async def test_the_title_speaks_the_callers_language(client: httpx.AsyncClient, asked: str, language: str) -> None:
    answer = await client.get("/refused", headers={"Accept-Language": asked})

    assert answer.headers["content-language"] == language
    assert answer.json()["title"] == {"en": "The slot is taken.", "fr": "Le créneau est pris."}[language]


async def test_an_invalid_request_names_fields_and_rules_and_nothing_that_was_sent(client: httpx.AsyncClient) -> None:
    answer = await client.post("/wishes", json={"access": "canary", "name": "canary" * 3, "canary": 1, "at": "canary"})

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert answer.json()["errors"] == [
        {"field": "body.access", "message": "must be one of 'full' or 'read_only'"},
        {"field": "body.name", "message": "must have at most 10 characters"},
        {"field": "body.at", "message": A_MOMENT["en"]},
        {"field": "body", "message": "has a member that is not known"},
    ]
    assert "canary" not in answer.text


async def test_an_invalid_request_is_explained_in_french_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/wishes", json={}, headers={"Accept-Language": "fr"})

    assert answer.json()["errors"] == [
        {"field": "body.access", "message": "est obligatoire"},
        {"field": "body.name", "message": "est obligatoire"},
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("at", ["canary", "2026-03-02T19:00:00 01:00", "2026-03-32", True])
async def test_a_malformed_moment_is_told_how_one_is_written(
    client: httpx.AsyncClient, at: object, language: str
) -> None:
    wish = {"access": "full", "name": "x", "at": at}

    answer = await client.post("/wishes", json=wish, headers={"Accept-Language": language})

    assert answer.json()["errors"] == [{"field": "body.at", "message": A_MOMENT[language]}]


@pytest.mark.parametrize(
    "body",
    [b"{canary", b"\xff\xfe", b"[" * 30_000, b'{"name":' + b"9" * 5_000 + b"}", '{"name":"été"}'.encode("latin-1")],
    ids=["broken", "bytes", "deep", "a number without end", "Latin-1"],
)
async def test_a_body_that_is_not_json_is_an_invalid_request(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/wishes", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"field": "body", "message": "is not valid JSON"}]
    assert "canary" not in answer.text


@pytest.mark.parametrize("said", [None, "text/plain", "application/x-www-form-urlencoded", "json", "text/json; a=b"])
async def test_a_body_that_does_not_say_that_it_is_json_is_not_read(
    client: httpx.AsyncClient, said: str | None
) -> None:
    headers = {} if said is None else {"Content-Type": said}

    answer = await client.post("/wishes", content=b'{"access": "full", "name": "canary"}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    "said", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
async def test_a_body_that_says_that_it_is_json_is_read(client: httpx.AsyncClient, said: str) -> None:
    answer = await client.post("/wishes", content=b'{"access": "x"}', headers={"Content-Type": said})

    assert answer.status_code == 422


async def test_no_body_is_a_missing_one_whatever_its_kind(client: httpx.AsyncClient) -> None:
    answer = await client.post("/wishes")

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body", "message": "is required"}]


@pytest.mark.parametrize(
    ("language", "messages"),
    [
        ("en", ["must be one of 'full' or 'read_only'", "must be at most 5"]),
        ("fr", ["doit être l'une des valeurs 'full' ou 'read_only'", "doit valoir au plus 5"]),
    ],
)
async def test_bounds_are_told_in_the_callers_words(
    client: httpx.AsyncClient, language: str, messages: list[str]
) -> None:
    wrong = {"access": "x", "name": "a", "many": 6}

    answer = await client.post("/wishes", json=wrong, headers={"Accept-Language": language})

    assert [error["message"] for error in answer.json()["errors"]] == messages


@pytest.mark.parametrize("path", ["/wishes/", "/many/", "/items/1/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_elsewhere_for_a_slash_too_many(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, path, headers={"Host": "evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/many", "GET, POST"),
        ("HEAD", "/many", "GET, POST"),
        ("GET", "/many/1", "DELETE"),
        ("GET", "/wishes", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_whoever_asks_for_the_wrong_thing_is_told_all_that_can_be_asked_for(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_a_fault_of_ours_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "canary" not in answer.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/refused", 405, "method_not_allowed"),
        ("GET", "/closed", 401, "unauthenticated"),
        ("GET", "/forbidden", 403, "forbidden"),
        ("GET", "/keyless", 503, "temporarily_unavailable"),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "challenge"),
    [
        ("/unknown", "Bearer"),
        ("/closed", 'Bearer error="invalid_token"'),
        ("/forbidden", 'Bearer error="insufficient_scope"'),
    ],
)
async def test_whoever_is_not_let_in_is_told_what_their_token_lacks(
    client: httpx.AsyncClient, path: str, challenge: str
) -> None:
    answer = await client.get(path)

    assert answer.headers["www-authenticate"] == challenge


@pytest.mark.parametrize("path", ["/items/1", "/refused", "/broken", "/nowhere"])
async def test_every_answer_carries_the_safe_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_page_may_say_more_exactly_what_it_needs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/page")

    assert answer.headers["content-security-policy"] == "default-src 'self'"


async def test_a_body_of_64_kb_is_taken_and_a_byte_more_is_not(client: httpx.AsyncClient) -> None:
    frame = len(json.dumps({"access": "full", "name": ""}))
    fits = json.dumps({"access": "full", "name": ""}) + " " * (65_536 - frame)

    taken = await client.post("/wishes", content=fits, headers={"Content-Type": "application/json"})
    refused = await client.post("/wishes", content=fits + " ", headers={"Content-Type": "application/json"})

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (413, "request_too_large")


async def test_a_body_of_unannounced_size_is_cut_off_as_well(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 8_192
            yield b"x" * 8_192

    answer = await client.post("/wishes", content=endless(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert sent < 100_000


async def test_a_body_that_breaks_off_is_nobodys_wish() -> None:
    reached: list[Scope] = []
    parts: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"titles=on&conf", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Message] = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope)

    async def receive() -> Message:
        return next(parts)

    async def send(message: Message) -> None:
        sent.append(message)

    form: Scope = {"type": "http", "method": "POST", "path": "/wishes", "query_string": b"", "headers": []}
    await Guard(application)(form, receive, send)

    assert reached == []
    assert sent[0]["status"] == 400


async def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient) -> None:
    monkeypatch.setattr("runtime.http.guard._BODY_SECONDS", 0.1)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post("/wishes", content=dripping(), headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (408, "request_too_slow")


async def test_the_documentation_shows_the_problem_in_the_place_of_fastapis_own(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses = document["paths"]["/wishes"]["post"]["responses"]
    assert responses["422"]["content"] == problem
    assert responses["default"]["content"] == problem
    assert "code" in document["components"]["schemas"]["Problem"]["required"]
    assert "HTTPValidationError" not in json.dumps(document)
