"""What the setup was when its caller looked, over HTTP: the ETag, and If-Match."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.calendars import Calendar
from connector.domain.connection import Connection, recalendared
from connector.domain.offers import offer
from connector.domain.reading import HeldRemovals
from connector.domain.sync import Held, Read, Refused, Word
from connector_examples import CALENDARS, LATER, MARIE, NOW, PAUL, WORK
from connector_http import WISH, Interface, as_

ONE = "/v1/connections/c-1"
PRIVATE, CLUB, *_ = (f"c-1/{c.id}" for c in CALENDARS)
SETUP: dict[str, object] = {
    "linked_calendar_id": None,
    "conflict_calendars": [{"id": PRIVATE}],
    "titles": True,
    "when_stale": "close",
}
OLD = f'"{"-".join(["0" * 8] * 7)}"'


@pytest.fixture
async def etag(there: Interface) -> str:
    """Of Marie's new connection."""
    made = await there.http.post("/v1/connections", json=WISH, headers=as_(MARIE))
    return str(made.headers["etag"])


async def kept(there: Interface) -> Connection:
    found = await there.store.of(MARIE)
    assert found
    return found


async def choose(there: Interface, if_match: str, **changes: object) -> tuple[int, str | None, str | None]:
    """Status, code, ETag."""
    headers = as_(MARIE) | {"If-Match": if_match}
    answer = await there.http.put(f"{ONE}/setup", json=SETUP | changes, headers=headers)
    return answer.status_code, answer.json().get("code"), answer.headers.get("etag")


async def listed(there: Interface, *calendars: Calendar) -> None:
    """The workers find these."""
    found = await kept(there)
    assert await there.store.replace(found, recalendared(found, calendars, told=1, at=LATER))


async def test_whoever_saw_the_setup_replaces_it_and_is_told_its_new_etag(there: Interface, etag: str) -> None:
    shown = (await there.http.get(ONE, headers=as_(MARIE))).headers["etag"]

    status, _, after = await choose(there, shown)

    assert (shown, status) == (etag, 200)
    assert after not in {etag, None}
    assert (await there.http.get(ONE, headers=as_(MARIE))).headers["etag"] == after


async def test_the_etag_is_the_word_that_the_pages_carry(there: Interface, etag: str) -> None:
    assert etag == f'"{offer((await kept(there)).terms)}"'


async def test_of_two_who_saw_the_same_the_second_overwrites_nothing(there: Interface, etag: str) -> None:
    first = await choose(there, etag)
    chosen = await kept(there)

    second = await choose(there, etag, titles=False)

    assert first[0] == 200
    assert second == (412, "changed_meanwhile", first[2])
    assert await kept(there) == chosen


async def test_a_calendar_that_came_meanwhile_has_to_be_seen_first(there: Interface, etag: str) -> None:
    mine = (await kept(there)).terms.calendars
    await listed(there, *mine, replace(WORK, id="c-1/new"))
    before = await kept(there)

    refused = await choose(there, etag)

    assert refused[:2] == (412, "changed_meanwhile")
    assert await kept(there) == before
    assert (await choose(there, str(refused[2])))[0] == 200


async def test_what_goes_on_behind_a_setup_does_not_stand_in_its_way(there: Interface, etag: str) -> None:
    word, hour = Word("c-1", 1, 9), timedelta(hours=1)
    await there.store.record([Refused(replace(word, revision=8), NOW - hour), Read(word, NOW)])
    await there.store.record([Held(word, HeldRemovals(CLUB, NOW - hour, 40, 38, "shrunken"))])
    await listed(there, *(replace(c, name=f"{c.name} 2", color=None) for c in (await kept(there)).terms.calendars))

    status, *_ = await choose(there, etag)

    assert status == 200


async def test_the_same_request_sent_twice_is_answered_twice(there: Interface, etag: str) -> None:
    answers = [await choose(there, etag) for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert (await kept(there)).revision == 2


async def test_without_if_match_whatever_there_is_is_replaced(there: Interface, etag: str) -> None:
    await choose(there, etag, titles=False)

    answer = await there.http.put(f"{ONE}/setup", json=SETUP, headers=as_(MARIE))

    assert (answer.status_code, answer.json()["setup"]["titles"]) == (200, True)


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ("*", 200),
        (" * ", 200),
        ("{etag}", 200),
        (f"{OLD}, {{etag}}", 200),
        (f', {OLD},, {{etag}}\t,"with,a,comma"', 200),
        (OLD, 412),
        ("W/{etag}", 412),
        (f"{OLD}, W/{{etag}}", 412),
        ('"*"', 412),
        ('""', 412),
        ("", 412),
        (",", 412),
        ("{bare}", 400),
        ("w/{etag}", 400),
        ("{etag} {etag}", 400),
        ("*, {etag}", 400),
        ('"with a space"', 400),
        ('{etag}"', 400),
        ('"', 400),
        ("'{bare}'", 400),
    ],
)
async def test_a_condition_is_taken_as_rfc_9110_writes_it(
    there: Interface, etag: str, if_match: str, status: int
) -> None:
    before = await kept(there)

    answer = await choose(there, if_match.format(etag=etag, bare=etag.strip('"')))

    code = {200: None, 400: "if_match_malformed", 412: "changed_meanwhile"}[status]
    assert answer[:2] == (status, code)
    assert (await kept(there) == before) is (status != 200)


async def test_a_condition_says_nothing_about_the_connections_of_others(there: Interface, etag: str) -> None:
    answers = [
        await there.http.put(f"{ONE}/setup", json=SETUP, headers=as_(PAUL) | {"If-Match": said})
        for said in (etag, OLD, "*")
    ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "connection_not_found")}


async def test_the_document_tells_the_etag_and_that_the_condition_is_optional(there: Interface) -> None:
    paths = (await there.http.get("/openapi.json")).json()["paths"]

    change = paths["/v1/connections/{connection_id}/setup"]["put"]
    (said,) = (one for one in change["parameters"] if one["in"] == "header")
    answers = (change["responses"]["200"], paths["/v1/connections/{connection_id}"]["get"]["responses"]["200"])
    assert (said["name"], said["required"]) == ("if-match", False)
    assert all("ETag" in answer["headers"] and answer["content"] for answer in answers)
