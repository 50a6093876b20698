"""Signing in, and forms that nobody else can send."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.requests import Request

from connector.domain.connection import Owner
from connector.inbound.pages.places import WANTED
from connector.inbound.pages.session import COOKIE, form_token_of
from connector.inbound.pages.visit import fields_of
from connector_examples import MARIE, PAUL, STRANGER
from connector_pages import HOST, LIST, NEW, ONE, SIGN_IN, Pages, Visitor, connection, token_of, visitor_of

SESSION = "/calendars/settings/session"
END = f"{SESSION}/end"
FROM_SIGN_IN = {"Origin": "https://platform.test", "Sec-Fetch-Site": "same-site"}
FORMS = (NEW, f"{ONE}/sync", f"{ONE}/setup", f"{ONE}/reconnect", f"{ONE}/disconnect", END)


async def begin(there: Pages, token: str, **headers: str) -> httpx.Response:
    async with visitor_of(there, None) as nobody:
        return await nobody.http.post(SESSION, data={"token": token}, headers=headers or FROM_SIGN_IN)


async def test_a_token_from_where_people_sign_in_becomes_a_cookie_of_this_host_alone(there: Pages) -> None:
    answer = await begin(there, token_of(MARIE))

    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    assert COOKIE.startswith("__Host-")
    assert cookie.value == token_of(MARIE)
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "lax", "/")
    assert (cookie["domain"], cookie["max-age"], cookie["expires"]) == ("", "", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://platform.test.evil.test"},
        {"Origin": "http://platform.test"},
        {"Origin": "null"},
        {"Accept": "text/html"},
    ],
)
async def test_a_session_from_anywhere_else_is_refused(there: Pages, headers: dict[str, str]) -> None:
    answer = await begin(there, token_of(MARIE), **headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("", 401),
        ("made-up", 401),
        (token_of(MARIE, "availability:read"), 403),
        (token_of(Owner(MARIE.account_id, "service:booking")), 403),
        (token_of(MARIE) + "+x" * 2_100, 401),
    ],
    ids=["none", "made up", "another scope", "a service", "too long for a cookie"],
)
async def test_only_a_person_who_may_manage_calendars_gets_a_session(there: Pages, token: str, status: int) -> None:
    answer = await begin(there, token)

    assert answer.status_code == status
    assert f"{COOKIE}={token or 'a'}" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("path", [LIST, NEW, ONE, f"{ONE}/setup", f"{ONE}/disconnect"])
@pytest.mark.parametrize("cookie", [None, "expired"])
async def test_without_a_session_people_are_sent_to_sign_in(there: Pages, path: str, cookie: str | None) -> None:
    async with visitor_of(there, None) as nobody:
        cookies = {} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"}
        answer = await nobody.get(path, **cookies, **{"Accept-Language": "en"})

    assert answer.status_code == 401
    assert ("Your session has ended" in answer.text) == (cookie is not None)
    assert f'href="{SIGN_IN}"' in answer.text
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize("wanted", [LIST, f"{ONE}/setup", f"{ONE}?ahead=3"])
async def test_signing_in_leads_to_the_page_that_was_wanted_once(there: Pages, wanted: str) -> None:
    async with visitor_of(there, None) as somebody:
        await somebody.get(wanted)
        kept = somebody.http.cookies[WANTED]
        answers = [
            await somebody.http.post(SESSION, data={"token": token_of(MARIE)}, headers=FROM_SIGN_IN) for _ in range(2)
        ]

    assert kept == quote(wanted, safe="")
    assert [answer.headers["location"] for answer in answers] == [wanted, LIST]


async def test_what_is_wanted_is_kept_for_minutes_and_brought_along_from_another_site(there: Pages) -> None:
    async with visitor_of(there, None) as somebody:
        answer = await somebody.get(ONE)
        refused = await somebody.http.post(f"{ONE}/sync")
        elsewhere = await somebody.get("/calendars/settings/nothing")

    cookies = SimpleCookie()
    for said in answer.headers.get_list("set-cookie"):
        cookies.load(said)
    kept = cookies[WANTED]
    assert (kept["secure"], kept["httponly"], kept["samesite"], kept["max-age"]) == (True, True, "none", "600")
    assert (refused.status_code, elsewhere.status_code) == (401, 404)
    assert not any(WANTED in one.headers.get("set-cookie", "") for one in (refused, elsewhere))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "/v1/connections",
        "/calendars/settings/language/fr",
        "/calendars/settings/connections\\@evil.test",
        "/calendars/settings/connections/" + "x" * 500,
    ],
)
async def test_signing_in_leads_nowhere_else(there: Pages, wanted: str) -> None:
    async with visitor_of(there, None) as somebody:
        cookie = {"Cookie": f"{WANTED}={quote(wanted, safe='')}"}
        answer = await somebody.http.post(SESSION, data={"token": token_of(MARIE)}, headers=FROM_SIGN_IN | cookie)

    assert (answer.status_code, answer.headers["location"]) == (303, LIST)


HALF_A_CHARACTER = "\\ud800"
"""In a charset that a form may name."""


def odd(**fields: str) -> dict[str, Any]:
    """A form that says how it is to be read."""
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    kind = "multipart/form-data; boundary=b; charset=unicode_escape"
    return {"content": f"{parts}--b--\r\n".encode(), "headers": {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}}


async def test_half_a_character_in_a_field_is_shown_as_a_question_mark() -> None:
    form = odd(time_zone=HALF_A_CHARACTER)
    heads = [(b"content-type", form["headers"]["Content-Type"].encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": form["content"], "more_body": False}

    fields = await fields_of(Request({"type": "http", "method": "POST", "headers": heads}, receive))

    assert fields == {"time_zone": ["?"]}


async def test_half_a_character_is_no_form_token_and_no_session(there: Pages) -> None:
    there.keep(connection())

    async with visitor_of(there) as marie, visitor_of(there, None) as nobody:
        answers = [
            await marie.http.post(f"{ONE}/sync", **odd(form_token=HALF_A_CHARACTER)),
            await nobody.http.post(SESSION, **odd(token=HALF_A_CHARACTER)),
        ]

    assert [answer.status_code for answer in answers] == [403, 401]
    assert there.workers.asked == []


@pytest.mark.parametrize("path", [SESSION, f"{ONE}/sync"])
async def test_what_is_no_origin_is_not_ours(there: Pages, path: str) -> None:
    there.keep(connection())

    async with visitor_of(there) as marie:
        answer = await marie.http.post(path, data={"form_token": "x"}, headers={"Origin": "http://["})

    assert answer.status_code == 403


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, "right"),
        ({"Sec-Fetch-Site": "same-site"}, "right"),
        ({"Sec-Fetch-Site": "none"}, "right"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"}, "right"),
        ({"Origin": "https://evil.test"}, "right"),
        ({"Origin": "null"}, "right"),
        ({}, "right"),
        ({"Sec-Fetch-Site": "same-origin"}, "missing"),
        ({"Sec-Fetch-Site": "same-origin"}, "another session's"),
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(
    there: Pages, path: str, headers: dict[str, str], token: str
) -> None:
    there.keep(None if path == NEW else connection())
    before = dict(there.store.kept)
    tokens = {"right": form_token_of(token_of(MARIE)), "missing": "", "another session's": form_token_of("x")}

    async with visitor_of(there) as marie:
        answer = await marie.http.post(path, data={"form_token": tokens[token]}, headers=headers)

    assert answer.status_code == 403
    assert (there.store.kept, there.workers.asked, there.apple.asked) == (before, [], 0)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": f"https://{HOST}"}])
async def test_a_form_of_ours_is_taken_from_every_browser(there: Pages, headers: dict[str, str]) -> None:
    there.keep(connection())

    async with visitor_of(there) as marie:
        fields = {"form_token": form_token_of(marie.token)}
        answer = await marie.http.post(f"{ONE}/sync", data=fields, headers=headers)

    assert (answer.status_code, len(there.workers.asked)) == (303, 1)


async def test_every_form_carries_the_token_of_its_session_and_nothing_of_the_cookie(there: Pages) -> None:
    async with visitor_of(there, PAUL) as paul, visitor_of(there) as marie:
        pages = [(await who.get(NEW)).text for who in (marie, paul)]

    assert form_token_of(token_of(MARIE)) in pages[0]
    assert form_token_of(token_of(PAUL)) in pages[1]
    assert form_token_of(token_of(MARIE)) != form_token_of(token_of(PAUL))
    assert not any(token_of(who) in page for who in (MARIE, PAUL) for page in pages)


@pytest.mark.parametrize("who", [PAUL, STRANGER], ids=["colleague", "stranger"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ONE),
        ("GET", f"{ONE}/setup"),
        ("GET", f"{ONE}/reconnect"),
        ("GET", f"{ONE}/disconnect"),
        *(("POST", path) for path in FORMS if path not in {NEW, END}),
    ],
)
async def test_somebody_elses_connection_is_not_there(there: Pages, who: Owner, method: str, path: str) -> None:
    there.keep(connection())
    before = dict(there.store.kept)

    async with visitor_of(there, who) as other:
        answer = await (other.get(path) if method == "GET" else other.send(path))

    assert answer.status_code == 404
    assert connection().apple.hint not in answer.text
    assert (there.store.kept, there.workers.asked, there.apple.asked) == (before, [], 0)


async def test_who_signs_out_is_forgotten(there: Pages, marie: Visitor) -> None:
    there.keep(connection())
    page = await marie.get(LIST)

    answer = await marie.send(END)

    assert f'action="{END}"' in page.text
    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert f'href="{SIGN_IN}"' in answer.text
    assert f'action="{END}"' not in answer.text
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


async def test_somebody_elses_connection_is_in_nobodys_list(there: Pages) -> None:
    there.keep(connection())

    async with visitor_of(there, PAUL) as paul:
        answer = await paul.get(LIST)

    assert "c-1" not in answer.text


async def test_the_language_is_the_browsers_until_another_is_chosen(there: Pages) -> None:
    async with visitor_of(there) as marie:
        marie.http.headers["Accept-Language"] = "fr-FR,en;q=0.5"
        french = await marie.get(LIST)
        switched = await marie.get(f"/calendars/settings/language/en?next={NEW}")
        english = await marie.get(LIST)

    assert (french.headers["content-language"], english.headers["content-language"]) == ("fr", "en")
    assert ('<html lang="fr">' in french.text, '<html lang="en">' in english.text) == (True, True)
    assert (switched.status_code, switched.headers["location"]) == (303, NEW)
    assert "Secure" in switched.headers["set-cookie"]


@pytest.mark.parametrize("wanted", ["https://evil.test/", "//evil.test", "/\\evil.test", "/v1/connections", ""])
async def test_the_language_switch_leads_nowhere_else(marie: Visitor, wanted: str) -> None:
    answer = await marie.http.get("/calendars/settings/language/fr", params={"next": wanted})

    assert answer.headers["location"] == LIST
