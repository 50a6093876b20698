"""What holds for every page, whatever it shows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import httpx
import pytest
from starlette.routing import Mount, Route

from connector.application.refusals import NobodyToAsk, TooSoon, UnknownCalendar
from connector.domain.connection import Connection
from connector_availability import crowded
from connector_examples import APP_PASSWORD, APPLE_ID
from connector_pages import (
    LIST,
    NEW,
    ONE,
    Pages,
    Visitor,
    connection,
    importing,
    many,
    needing_reconnect,
    read_only,
    stale,
    troubled,
    visitor_of,
)

BUDGET: Final = 50_000
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
STATES: Final[Sequence[Callable[[], Connection]]] = (
    connection,
    importing,
    many,
    needing_reconnect,
    read_only,
    stale,
    troubled,
)
EMPTY: Final = (LIST, f"{LIST}/new", NEW)
OF_ONE: Final = (LIST, ONE, f"{ONE}/setup", f"{ONE}/reconnect", f"{ONE}/disconnect")
SETTINGS: Final = "/calendars/settings"
ROUTES: Final = {
    ("GET", "/settings/connections"),
    ("GET", "/settings/connections/new"),
    ("GET", "/settings/connections/new/icloud"),
    ("POST", "/settings/connections/new/icloud"),
    ("GET", "/settings/connections/{connection_id}"),
    ("POST", "/settings/connections/{connection_id}/sync"),
    ("GET", "/settings/connections/{connection_id}/setup"),
    ("POST", "/settings/connections/{connection_id}/setup"),
    ("GET", "/settings/connections/{connection_id}/reconnect"),
    ("POST", "/settings/connections/{connection_id}/reconnect"),
    ("GET", "/settings/connections/{connection_id}/disconnect"),
    ("POST", "/settings/connections/{connection_id}/disconnect"),
    ("POST", "/settings/session"),
    ("POST", "/settings/session/end"),
    ("GET", "/settings/language/{code}"),
    ("GET", "/settings/static/{name}"),
}
"""All of them are in test_session.py, against strangers and foreign forms: a new one belongs there, too."""


def demand_harmless(answer: httpx.Response) -> None:
    """No page may be kept, framed, or run anything of its own."""
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["frame-ancestors"], policy["base-uri"]) == ("'none'",) * 3
    assert (policy["script-src"], policy["style-src"], policy["form-action"]) == ("'self'",) * 3
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|javascript:", answer.text)


async def test_every_route_is_in_the_table(there: Pages) -> None:
    def served(routes: Sequence[object]) -> Iterator[tuple[str, str]]:
        for route in routes:
            if isinstance(route, Route):
                yield from ((method, route.path) for method in (route.methods or set()) - {"HEAD"})

    [mounted] = [route for route in there.app.routes if isinstance(route, Mount)]

    assert set(served(mounted.routes)) == ROUTES


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_every_page_of_every_state_is_small_harmless_and_whole(
    there: Pages, language: str, state: Callable[[], Connection]
) -> None:
    there.keep(state())

    async with visitor_of(there) as marie:
        answers = [await marie.get(path, **{"Accept-Language": language}) for path in OF_ONE]

    for answer in answers:
        assert answer.status_code == 200
        demand_harmless(answer)
        assert answer.text.count("<h1>") == 1
        assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize("path", [f"{LIST}/", f"{NEW}/", f"{ONE}/", f"{SETTINGS}/session/", "/calendars"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_elsewhere_for_a_slash_too_many_or_too_few(there: Pages, path: str, method: str) -> None:
    async with visitor_of(there) as marie:
        answer = await marie.http.request(method, path, headers={"Host": "evil.example"})

    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", [NEW, f"{ONE}/setup"])
async def test_no_option_is_read_with_its_hint_in_its_name(there: Pages, marie: Visitor, path: str) -> None:
    there.keep(None if path == NEW else connection())

    page = (await marie.get(path)).text

    options = [
        {name: quoted or bare for name, quoted, bare in re.findall(r'([\w-]+)=(?:"([^"]*)"|(\w+))', tag)}
        for tag in re.findall(r'<input [^>]*type="(?:radio|checkbox)"[^>]*>', page)
    ]
    described = [one for one in options if "aria-describedby" in one]
    assert len(described) >= 2
    for one in described:
        assert re.search(rf'class="option-name" id="?{one["aria-labelledby"]}\b', page)
        assert all(f'id="{hint}"' in page for hint in one["aria-describedby"].split())


async def test_every_page_before_there_is_a_connection_is_harmless_too(marie: Visitor) -> None:
    for path in EMPTY:
        answer = await marie.get(path)
        assert answer.status_code == 200
        demand_harmless(answer)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_page_with_all_that_it_needs_fits_the_budget(there: Pages, language: str) -> None:
    async with visitor_of(there) as marie:
        marie.http.headers.update({"Accept-Language": language, "Accept-Encoding": "gzip"})
        usual = await looked_at(there, marie, troubled())
        there.keep(None)
        usual += [await marie.get(path) for path in EMPTY]
        addresses = set(re.findall(rf'(?:href|src)="({SETTINGS}/static/[^"]+)"', usual[0].text))
        files = [await marie.get(address) for address in addresses]
        with_forty_calendars = await looked_at(there, marie, many())

    static = sum(int(file.headers["content-length"]) for file in files)
    heaviest, heavier = (max(len(page.content) for page in pages) for pages in (usual, with_forty_calendars))
    assert (len(files), {file.headers["content-encoding"] for file in files}) == (3, {"gzip"})
    assert {page.status_code for page in (*usual, *with_forty_calendars)} == {200}
    print(f"heaviest page {heaviest} bytes and {static} of files; {heavier} with forty calendars")
    assert heaviest + static <= BUDGET
    assert heavier <= BUDGET


async def looked_at(there: Pages, marie: Visitor, one: Connection) -> list[httpx.Response]:
    """Every page of the connection in two crowded weeks, the preview included."""
    assert there.availability is not None
    there.availability.outlook = crowded()
    there.availability.marked_free = {calendar.id: 12 for calendar in one.terms.calendars[:10]}
    there.keep(one)
    pages = [await marie.get(path) for path in (*OF_ONE, f"{ONE}?day=3")]
    picked = {"preview": "1", "conflict": ["home"], "when_stale": "keep", "revision": there.revision}
    return [*pages, await marie.send(f"{ONE}/setup", picked)]


async def test_files_come_as_they_are_to_those_who_cannot_unpack_them(marie: Visitor) -> None:
    page = await marie.get(LIST)

    [address] = re.findall(rf'href="({SETTINGS}/static/pages\.css\?[0-9a-f]+)"', page.text)
    plain, packed = [await marie.get(address, **{"Accept-Encoding": how}) for how in ("identity", "gzip")]

    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert {answer.headers["vary"] for answer in (plain, packed)} == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{SETTINGS}/nothing", 404), (f"{SETTINGS}/static/nothing.css", 404), (f"{LIST}/unknown", 404)],
)
async def test_what_is_not_there_is_told_on_a_page(marie: Visitor, path: str, status: int) -> None:
    answer = await marie.get(path)

    assert answer.status_code == status
    assert "There is nothing here" in answer.text
    demand_harmless(answer)


async def test_what_is_done_the_wrong_way_is_told_on_a_page(marie: Visitor) -> None:
    answer = await marie.http.delete(LIST)

    assert answer.status_code == 405
    demand_harmless(answer)


async def test_a_form_that_cannot_be_read_is_no_fault_of_ours(there: Pages, marie: Visitor) -> None:
    there.keep(connection())

    answer = await marie.http.post(
        f"{ONE}/setup",
        content=b"--x\r\n",
        headers={"Content-Type": "multipart/form-data", "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 400
    assert "This form could not be read" in answer.text
    demand_harmless(answer)


@pytest.mark.parametrize(
    ("refusal", "status", "heading"),
    [
        (UnknownCalendar(), 422, "That was not done"),
        (TooSoon(timedelta(seconds=5)), 429, "Not possible at the moment"),
        (NobodyToAsk(), 503, "Not possible at the moment"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_only_what_may_work_later_is_called_not_possible_at_the_moment(
    there: Pages, marie: Visitor, refusal: Exception, status: int, heading: str
) -> None:
    async def refuse(*_: object) -> None:
        raise refusal

    there.store.of = refuse  # type: ignore[method-assign,assignment]  # whatever is asked is refused
    answer = await marie.get(LIST)

    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in answer.text


async def test_files_may_be_kept_for_ever_under_the_address_of_their_content(marie: Visitor) -> None:
    page = await marie.get(LIST)

    [address] = re.findall(rf'href="({SETTINGS}/static/pages\.css\?[0-9a-f]+)"', page.text)
    answer = await marie.get(address)

    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]


async def test_a_fault_is_told_on_a_page_that_shows_nothing_of_it(there: Pages) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError(APPLE_ID)

    there.store.of = fail  # type: ignore[method-assign,assignment]  # a fault that nobody foresaw
    async with visitor_of(there) as marie:
        answer = await marie.get(LIST)

    assert answer.status_code == 500
    assert APPLE_ID not in answer.text
    assert "<h1>" in answer.text
    demand_harmless(answer)


async def test_a_calendars_name_and_colour_cannot_become_markup(there: Pages, marie: Visitor) -> None:
    evil = connection()
    calendars = tuple(
        type(one)(one.id, '<script src="//x">', '"/><script>', one.writable, one.supported, one.reason, one.shared)
        for one in evil.terms.calendars
    )
    terms = type(evil.terms)(evil.terms.access, evil.terms.time_zone, calendars, evil.terms.setup)
    there.keep(connection(terms=terms))

    answers = [await marie.get(path) for path in OF_ONE]

    for answer in answers:
        demand_harmless(answer)
        assert '<script src="//x">' not in answer.text


async def test_no_page_ever_writes_a_password_back(marie: Visitor) -> None:
    typed = {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "access": "full", "time_zone": "Atlantis/Nowhere"}

    refused = await marie.send(NEW, typed)

    assert refused.status_code == 422
    assert f'value="{APPLE_ID}"' in refused.text
    assert not any(part in refused.text for part in (APP_PASSWORD, APP_PASSWORD.replace("-", "")))
    demand_harmless(refused)
