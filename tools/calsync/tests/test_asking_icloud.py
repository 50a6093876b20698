"""iCloud asked by the workers: what one has put right is told, and what no worker could tell, too."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tools.calsync.tests.world import CALENDAR, LONG_AGO, Client, Kept, Said, World

from local_stack.waiting import wait_until
from sync_worker.application.endings import Completed, Ending, Postponed
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import hold
from sync_worker.domain.tracked import PutRight, Tracked, failed
from sync_worker.outbound.mongo import MongoLeases, MongoPasses

pytestmark = pytest.mark.servers

Pass = tuple[Tracked | None, Ending]
"""What it leaves of the calendar, and how it ends."""
READ = Completed(LONG_AGO, timedelta(hours=1), None)
PATIENCE = 60
"""Seconds: most of all for a machine that is busy."""


def tracked(put_right: PutRight | None) -> Tracked:
    """A calendar as a comparison leaves it."""
    return Tracked("/p/", "basis", token="t", covered=1, reconciled=LONG_AGO, put_right=put_right)


def asked(world: World, kept: Kept, *passes: Pass, wait: int = PATIENCE) -> Said:
    """The answer where a worker claims the connection so many times, and leaves it like that."""

    def worker() -> None:
        for left, ending in passes:
            work(world, left, ending)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(worker)
        arguments = ("--icloud", "--wait", str(wait), "--settle", "0", "--yes", "--json")
        said = world.calsync("verify", kept.id, *arguments)
        working.result(PATIENCE)
    return said


def work(world: World, left: Tracked | None, ending: Ending) -> None:
    """A pass, as soon as the connection is due and its last comparison is forgotten."""

    async def try_it(client: Client) -> bool:
        leases, passes = MongoLeases(client, owner="a-worker", length=timedelta(seconds=30)), MongoPasses(client)
        claims = [*await leases.claim_urgent(50), *await leases.claim(50)]
        for claim in claims:
            if left is not None:
                await passes.remember(claim, CALENDAR, replace(left, basis=claim.basis))
            await passes.end(claim, ending)
        return len(claims) == 1

    assert wait_until(lambda: world.does(try_it), seconds=PATIENCE)


def whats(said: Said) -> list[str]:
    return [one["what"] for one in said.json["findings"] if one["check"] == "icloud"]


@pytest.fixture
def kept(world: World) -> Kept:
    """A sound connection; what an earlier comparison had put right is no news."""
    one = world.connected()
    earlier = {f"calendars.{CALENDAR}.put_right": {"missing": 7, "changed": 0, "extra": 0}}
    world.change("sync", "connections", {"_id": one.id}, {"$set": earlier})
    world.change("sync", "connections", {"_id": one.id}, {"$set": {"setup.conflict_calendars": [{"id": CALENDAR}]}})
    return one


def test_where_icloud_agrees_all_holds(world: World, kept: Kept) -> None:
    said = asked(world, kept, (tracked(PutRight()), READ))

    assert (said.code, said.json["holds"], said.json["compared"]) == (0, True, True)
    (row,) = said.json["icloud"]
    counts = {"missing": 0, "changed": 0, "extra": 0, "held": 0}
    assert row == {"calendar_id": CALENDAR, "compared_at": "2026-01-05T09:00:00Z", **counts}
    (entry,) = world.calsync("audit", "--json").json["audit"]
    assert (entry["what"], entry["outcome"], entry["told"]["compared"]) == ("verify", "done", True)


def test_what_a_worker_put_right_is_told(world: World, kept: Kept) -> None:
    said = asked(world, kept, (tracked(PutRight(missing=2, extra=1)), READ))

    assert (said.code, said.json["compared"]) == (1, True)
    assert whats(said) == ["drift, put right: 2 were not known, 1 are not there any more"]
    assert [(row["missing"], row["changed"], row["extra"]) for row in said.json["icloud"]] == [(2, 0, 1)]


def test_a_look_that_did_not_compare_is_waited_out(world: World, kept: Kept) -> None:
    unread = failed(replace(tracked(None), reconciled=None), None, "basis", LONG_AGO)
    again_at_once = Completed(LONG_AGO, timedelta(0), None)

    said = asked(world, kept, (unread, again_at_once), (tracked(PutRight()), READ))

    assert (said.code, said.json["compared"]) == (0, True)


@pytest.mark.parametrize(
    ("left", "what"),
    [
        pytest.param(
            tracked(None),
            "compared anew; drift cannot be told from changes this time: ask again",
            id="an older version of a worker, or a token that had died",
        ),
        pytest.param(
            replace(tracked(PutRight()), hold=hold(Doubt.SHRUNKEN, known=30, missing=20, now=LONG_AGO)),
            "20 of 30 are missing, and kept in doubt: `calsync removals list`",
            id="held",
        ),
    ],
)
def test_what_is_no_agreement_is_found(world: World, kept: Kept, left: Tracked, what: str) -> None:
    said = asked(world, kept, (left, READ))

    assert (said.code, whats(said)) == (1, [what])


def test_a_calendar_that_icloud_does_not_show_is_not_waited_for(world: World, kept: Kept) -> None:
    away = hold(Doubt.VANISHED, known=3, missing=3, now=LONG_AGO)

    said = asked(world, kept, (replace(tracked(None), reconciled=None, hold=away), READ))

    assert (said.code, said.json["compared"], said.json["icloud"][0]["held"]) == (1, False, 3)
    assert whats(said) == [
        "not compared: iCloud does not show it; its events are kept in doubt, `calsync removals list`"
    ]


LATER = LONG_AGO.replace(year=2099)


@pytest.mark.parametrize(
    ("database", "change", "words"),
    [
        ("connections", {}, "no worker has taken it; `calsync leases`"),
        ("connections", {"throttled_until": LATER}, "Apple wants to be left alone until 2099-01-05T09:00:00Z"),
        (
            "connections",
            {"rejections": {"count": 1}, "next_sync_at": LATER},
            "Apple has refused the password; the next try is at 2099-01-05T09:00:00Z",
        ),
        ("connections", {"allowance": {"level": 0.2}}, "the account's share of requests is used up"),
        ("budgets", {"limit": 0}, "all requests to Apple are stopped by hand; `calsync budget clear`"),
        ("budgets", {"icloud": {"level": 0.2}}, "the fleet's budget of requests is used up; `calsync budget show`"),
    ],
)
def test_a_worker_that_does_not_answer_in_time_is_told_with_what_stands_in_its_way(
    world: World, kept: Kept, database: str, change: Mapping[str, Any], words: str
) -> None:
    async def stand_in_the_way(client: Client) -> None:
        who = kept.id if database == "connections" else "fleet"
        if change:
            await client["sync"][database].update_one({"_id": who}, {"$set": dict(change)}, upsert=True)

    world.does(stand_in_the_way)

    said = asked(world, kept, wait=0)

    (what,) = whats(said)
    assert (said.code, said.json["compared"]) == (1, False)
    assert what.startswith(f"not compared: {words}")


def test_a_postponed_look_says_when_the_next_is(world: World, kept: Kept) -> None:
    said = asked(world, kept, (None, Postponed(timedelta(hours=1), 2)), wait=3)

    (what,) = whats(said)
    assert what.startswith("not compared: the last look did not come so far (2 failures in a row); the next is at 20")


@pytest.mark.parametrize(("field", "words"), [("paused", "resume"), ("stopped_at", "reconnect")])
def test_a_connection_that_no_worker_looks_at_is_not_asked_about(
    world: World, kept: Kept, field: str, words: str
) -> None:
    world.change("sync", "connections", {"_id": kept.id}, {"$set": {field: LONG_AGO}})

    said = world.calsync("verify", kept.id, "--icloud", "--yes")

    assert (said.code, said.out, words in said.err) == (1, "", True)
    assert world.calsync("audit", "--json").json["audit"] == []


def test_nobody_is_asked_where_nobody_says_yes_or_which(world: World, kept: Kept) -> None:
    before = world.find("sync", "connections", {"_id": kept.id})

    silent = world.calsync("verify", kept.id, "--icloud")
    all_of_them = world.calsync("verify", "--icloud", "--yes")

    assert [(one.code, one.out) for one in (silent, all_of_them)] == [(2, ""), (2, "")]
    assert ("--yes" in silent.err, "name it" in all_of_them.err) == (True, True)
    assert world.find("sync", "connections", {"_id": kept.id}) == before
