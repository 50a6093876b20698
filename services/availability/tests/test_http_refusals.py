from datetime import UTC, datetime

import httpx
import pytest
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import MINE, WEEK, served
from services.availability.tests.tokens import Platform

from availability.application.timeline import AskLater
from availability.domain.busy import Known
from availability.domain.intervals import Window


class Away(MemoryTimeline):
    """MongoDB cannot be reached."""

    async def known(self, account_id: str, user_id: str, window: Window) -> Known:
        del account_id, user_id, window
        raise AskLater


async def test_without_a_valid_token_nobody_is_answered(client: httpx.AsyncClient, platform: Platform) -> None:
    answers = [
        await client.get(MINE),
        await client.get(MINE, headers={"Authorization": "Bearer nonsense"}),
        await client.get(MINE, headers=platform.person(exp=datetime(2020, 1, 1, tzinfo=UTC))),
        await client.get(MINE, headers=platform.person(scope="calendar:manage")),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 403]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, "2026-03-09T00:00:00Z"),
        ("2026-03-02T00:00:00Z", None),
        ("2026-03-02T00:00:00", "2026-03-09T00:00:00Z"),
        ("2026-03-02", "2026-03-09"),
        ("1772409600", "1772496000"),
        ("-1772409600", "1772496000"),
        ("canary", "2026-03-09T00:00:00Z"),
        ("2026-03-09T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("2026-03-09T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("2026-03-02T00:00:00Z", "2026-06-02T00:00:01Z"),
        ("1969-12-31T23:59:59Z", "1970-01-02T00:00:00Z"),
        ("9999-12-30T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, platform: Platform, start: str | None, end: str | None
) -> None:
    asked = {name: said for name, said in (("start", start), ("end", end)) if said is not None}

    client.params = httpx.QueryParams()
    answer = await client.get(MINE, params=asked, headers=platform.person())

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "invalid_request"
    assert "canary" not in answer.text
    assert "17724" not in answer.text


@pytest.mark.parametrize("start", ["2026-03-02T00:00:00+01:00", "20260302T000000Z", "1772409600"])
async def test_who_writes_a_moment_wrongly_is_told_how_it_is_written(
    client: httpx.AsyncClient, platform: Platform, start: str
) -> None:
    client.params = httpx.QueryParams()
    # As people write it: nobody has escaped the +.
    answer = await client.get(f"{MINE}?start={start}&end=2026-03-09T00:00:00Z", headers=platform.person())

    message = "must be an RFC 3339 moment, as 2026-03-02T19:00:00Z (in a query, + is written %2B)"
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "query.start", "message": message}]


async def test_ninety_two_days_may_be_asked_about(client: httpx.AsyncClient, platform: Platform) -> None:
    quarter = {"start": "2026-03-02T00:00:00Z", "end": "2026-06-02T00:00:00Z"}

    answer = await client.get(MINE, params=quarter, headers=platform.person())

    assert answer.status_code == 200


async def test_a_refusal_speaks_french_when_asked(client: httpx.AsyncClient, platform: Platform) -> None:
    backwards = {"start": WEEK["end"], "end": WEEK["start"]}

    answer = await client.get(MINE, params=backwards, headers=platform.person() | {"Accept-Language": "fr"})

    assert answer.json()["title"].startswith("start doit précéder end")


async def test_while_the_store_is_away_the_caller_is_asked_to_come_back(platform: Platform) -> None:
    transport = httpx.ASGITransport(served(Away(), platform))

    async with httpx.AsyncClient(transport=transport, base_url="http://availability") as client:
        answer = await client.get(MINE, params=WEEK, headers=platform.person())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "temporarily_unavailable"
