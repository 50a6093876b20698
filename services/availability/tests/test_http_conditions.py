"""If-Match on appointments: what holds, what never does, and what is no condition at all."""

from typing import Any

import httpx
import pytest
from services.availability.tests.examples import USER
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import memory_stage, served
from services.availability.tests.tokens import Platform

PROBLEM = "application/problem+json"
MALFORMED = "If-Match must be * or an ETag as we gave it, in its double quotes; several with commas between them."
WISH = {"user_id": USER, "start": "2026-03-02T19:00:00Z", "end": "2026-03-02T20:00:00Z", "title": "Coupe"}
CONDITIONS = [
    ("*", 200),
    (" * ", 200),
    ('"1"', 200),
    ('"9", "1"', 200),
    (', "9",, "1"\t,"with,a,comma"', 200),
    ('W/"9", "1"', 200),
    ('"9"', 412),
    ('W/"1"', 412),
    ('"9", W/"1"', 412),
    ('"01"', 412),
    ('"+1"', 412),
    ('"*"', 412),
    ('""', 412),
    ("", 412),
    (",", 412),
    (f'"{"9" * 400}"', 412),
    ("1", 400),
    ("9, 1", 400),
    ('w/"1"', 400),
    ('"9" "1"', 400),
    ('*, "1"', 400),
    ('"1', 400),
    ("'1'", 400),
    ("canary", 400),
]
CODES = {200: None, 204: None, 400: "if_match_malformed", 412: "changed_meanwhile"}
EVERY = pytest.mark.parametrize(("if_match", "status"), CONDITIONS)


@pytest.fixture
async def http(memory: MemoryTimeline, platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served(memory, platform, memory_stage(memory)))
    headers = platform.person(scope="appointments:write")
    return httpx.AsyncClient(transport=transport, base_url="http://availability", headers=headers)


@pytest.fixture
async def there(http: httpx.AsyncClient) -> str:
    """An appointment in its first revision."""
    made = await http.post("/v1/appointments", json=WISH, headers={"Idempotency-Key": "k-1"})
    assert made.headers["etag"] == '"1"'
    return str(made.headers["location"])


def code_of(answer: httpx.Response) -> str | None:
    return answer.json().get("code") if answer.content else None


@EVERY
async def test_a_change_is_made_only_where_its_condition_holds(
    http: httpx.AsyncClient, there: str, if_match: str, status: int
) -> None:
    answer = await http.patch(there, json={"title": "Couleur"}, headers={"If-Match": if_match})

    assert (answer.status_code, code_of(answer)) == (status, CODES[status])
    assert ((await http.get(there)).json()["title"] == "Couleur") is (status == 200)
    assert "canary" not in answer.text


@EVERY
async def test_an_appointment_is_called_off_only_where_the_condition_holds(
    http: httpx.AsyncClient, there: str, if_match: str, status: int
) -> None:
    answer = await http.delete(there, headers={"If-Match": if_match})

    done = 204 if status == 200 else status
    assert (answer.status_code, code_of(answer)) == (done, CODES[done])
    assert (await http.get(there)).json()["state"] == ("cancelled" if status == 200 else "booked")


async def test_who_writes_no_condition_is_told_how_it_is_written(http: httpx.AsyncClient, there: str) -> None:
    answer = await http.delete(there, headers={"If-Match": "1"})

    assert (answer.headers["content-type"], answer.json()["title"]) == (PROBLEM, MALFORMED)


@pytest.mark.parametrize("operation", ["patch", "delete"])
def test_the_document_tells_of_what_is_no_condition(memory: MemoryTimeline, platform: Platform, operation: str) -> None:
    path: dict[str, Any] = served(memory, platform).openapi()["paths"]["/v1/appointments/{appointment_id}"]

    told = path[operation]["responses"]["400"]["content"][PROBLEM]["examples"]

    assert told["if_match_malformed"]["value"]["title"] == MALFORMED
