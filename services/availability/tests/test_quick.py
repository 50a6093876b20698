"""Busy time is answered by a short way and by FastAPI's: nobody can tell the two apart."""

import httpx
import pytest
from services.availability.tests.examples import completed, connected, imported, span
from services.availability.tests.fakes import MemoryTimeline
from services.availability.tests.serving import MINE
from services.availability.tests.stories import connections, events, syncs
from services.availability.tests.tokens import Platform

from availability.inbound.http.quick import QuickBusy
from runtime import metrics

PLAIN = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-09T00:00:00+01:00"}
UNUSUAL = {"start": "2026-03-02t00:00:00z", "end": "2026-03-08T23:00Z"}
"""The same time in words that the short way does not understand."""


@pytest.fixture
def by_short_way(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Which of the questions went by it."""
    went: list[bool] = []
    question = QuickBusy._question

    async def noted(self: QuickBusy, scope: dict[str, object]) -> object:
        found = await question(self, scope)
        went.append(found is not None)
        return found

    monkeypatch.setattr(QuickBusy, "_question", noted)
    return went


async def test_both_ways_answer_alike(
    memory: MemoryTimeline, client: httpx.AsyncClient, platform: Platform, by_short_way: list[bool]
) -> None:
    await connections(memory, connected(choices={"when_stale": "warn"}))
    await events(memory, imported("event-1", span(9, 10)))
    await syncs(memory, completed(1))

    short, long = [await client.get(MINE, params=asked, headers=platform.person()) for asked in (PLAIN, UNUSUAL)]

    assert by_short_way == [True, False]
    assert (short.status_code, short.content, short.headers) == (long.status_code, long.content, long.headers)
    assert short.json()["warning"] == "stale"


async def test_both_ways_are_counted_under_one_route(client: httpx.AsyncClient, platform: Platform) -> None:
    counted = metrics.HTTP_SECONDS.labels("GET", "/v1/users/{user_id}/busy", "200")
    before = sum(bucket.get() for bucket in counted._buckets)

    for asked in (PLAIN, UNUSUAL):
        await client.get(MINE, params=asked, headers=platform.person())

    assert sum(bucket.get() for bucket in counted._buckets) == before + 2


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        (MINE, {"start": "2026-03-02T00:00:00Z"}, 422),
        (MINE, {**PLAIN, "end": "2026-03-01T00:00:00Z"}, 422),
        (MINE, {**PLAIN, "end": "2026-02-30T00:00:00Z"}, 422),
        (MINE, {**PLAIN, "more": "x"}, 200),
        (MINE + "/", PLAIN, 404),
        ("/v1/users/user-2/busy", PLAIN, 404),
        ("/v1/users/user%2F1/busy", PLAIN, 404),
        (MINE.replace("user-1", "user%0A1"), PLAIN, 422),
    ],
)
async def test_whatever_is_not_plain_goes_the_usual_way(
    client: httpx.AsyncClient,
    platform: Platform,
    by_short_way: list[bool],
    path: str,
    asked: dict[str, str],
    status: int,
) -> None:
    client.params = httpx.QueryParams()

    answer = await client.get(path, params=asked, headers=platform.person())

    assert (answer.status_code, by_short_way) == (status, [False])


async def test_the_start_twice_is_not_plain(
    client: httpx.AsyncClient, platform: Platform, by_short_way: list[bool]
) -> None:
    client.params = httpx.QueryParams()

    await client.get(f"{MINE}?start={PLAIN['start']}&start=x&end=2026-03-09T00:00:00Z", headers=platform.person())

    assert by_short_way == [False]


@pytest.mark.parametrize(
    ("asked", "status", "short"),
    [
        ("start=2026-03-02T00%3A00%3A00%2B00%3A00&end=2026-03-09T00%3a00%3a00%2b00%3a00", 200, True),
        ("end=2026-03-09T00:00:00Z&start=2026-03-02T00:00:00Z", 200, True),
        ("start=2026-03-02T00:00:00+00:00&end=2026-03-09T00:00:00Z", 422, False),
        ("start=2026%2D03-02T00:00:00Z&end=2026-03-09T00:00:00Z", 200, False),
        ("start=2026-03-02T00:00:00Z&end=2026-03-09T00:00:00Z&", 200, False),
        ("start=2026-03-02T00:00:00Z&start=2026-03-09T00:00:00Z", 422, False),
        ("start=2026-03-02T00:00:00Z&end", 422, False),
    ],
)
async def test_a_query_is_read_as_it_is_meant_however_it_is_escaped(
    client: httpx.AsyncClient, platform: Platform, by_short_way: list[bool], asked: str, status: int, *, short: bool
) -> None:
    client.params = httpx.QueryParams()

    answer = await client.get(f"{MINE}?{asked}", headers=platform.person())

    assert (answer.status_code, by_short_way) == (status, [short])
