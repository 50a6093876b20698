"""Connections seen and steered; what is changed is asked for, recorded, and done as the services do it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tools.calsync.tests.world import CALENDAR, LONG_AGO, TITLE, Client, Kept, World, held, quarantined

from calsync.connection_states import State
from connector_examples import APP_PASSWORD, APPLE_ID
from contracts.events import RequestReason, SyncRequested
from contracts.topics import SYNC_REQUESTS
from contracts.wire import decode
from leftovers import records, shapes
from sync_worker.domain.passes import How, Remembered, plan
from sync_worker.domain.tracked import Shown
from sync_worker.outbound.mongo import MongoGrants

pytestmark = pytest.mark.servers


def asked(world: World, connection_id: str) -> Sequence[SyncRequested]:
    """What the workers were asked for."""
    found = asyncio.run(records(world.kafka, SYNC_REQUESTS.name))
    said = [decode(one.topic, one.key, one.headers, one.value) for one in found if one.key == connection_id.encode()]
    return [one for one in said if isinstance(one, SyncRequested)]


def synced(world: World, connection_id: str) -> dict[str, Any]:
    return world.find("sync", "connections", {"_id": connection_id})


def test_connections_are_listed_and_shown(world: World) -> None:
    one, other = world.connected(events=2), world.connected()

    listed = world.calsync("connection", "list", "--json", "--user", one.owner.user_id)
    shown = world.calsync("connection", "show", one.id, "--json")
    table = world.calsync("connection", "list")
    world.ended(other)
    of_state = [world.calsync("connection", "list", "--state", state, "--json").json for state in State]
    nobody = world.calsync("connection", "show", "c-unheard-of")

    assert [row["id"] for row in listed.json["connections"]] == [one.id]
    assert listed.json["connections"][0]["paused"] is False
    about = shown.json
    assert about["connector"]["revision"] == about["sync_worker"]["revision"] == about["availability"]["setup"][1] == 1
    assert (about["objects"]["alive"], about["availability"]["events"], about["vault"]["epoch"]) == (2, 2, 1)
    assert [calendar["calendar_id"] for calendar in about["calendars"]] == [CALENDAR]
    assert (table.code, one.id in table.out, other.id in table.out) == (0, True, True)
    assert [[row["id"] for row in each["connections"]] for each in of_state] == [[one.id], [], [other.id]]
    assert (nobody.code, nobody.out) == (1, "")


def test_who_is_concerned_where_a_key_of_the_vault_is_lost_is_listed(world: World) -> None:
    lost, other = [world.connected(events=1) for _ in range(3)], world.connected(events=1)
    for one in lost:
        world.change("vault", "credentials", {"_id": one.id}, {"$set": {"key_id": "lost"}})
    own = world.find("vault", "credentials", {"_id": other.id})["key_id"]

    told = world.calsync("connection", "list", "--key", "lost", "--json").json["connections"]
    of_one = world.calsync("connection", "list", "--key", "lost", "--user", lost[1].owner.user_id, "--json")
    some = world.calsync("connection", "list", "--key", "lost", "--limit", "2", "--json")
    everybody = world.calsync("connection", "list", "--json").json["connections"]
    table = world.calsync("connection", "list")

    assert [(row["id"], row["vault_key"]) for row in told] == [(one, "lost") for one in sorted(one.id for one in lost)]
    assert {row["state"] for row in told} == {"connected"}
    assert [row["id"] for row in of_one.json["connections"]] == [lost[1].id]
    assert [row["id"] for row in some.json["connections"]] == [row["id"] for row in told][:2]
    assert {row["id"]: row["vault_key"] for row in everybody} == {one.id: "lost" for one in lost} | {other.id: own}
    assert "vault key" in table.out


def test_a_paused_connection_is_claimed_by_nobody_until_it_is_resumed(world: World) -> None:
    one = world.connected()
    before = world.claims(one.id)

    paused = world.calsync("connection", "pause", one.id, "--yes", "--json")
    world.change("sync", "connections", {"_id": one.id}, {"$set": {"next_sync_at": LONG_AGO}})
    meanwhile = world.claims(one.id)
    again = world.calsync("connection", "pause", one.id, "--yes", "--json")
    resumed = world.calsync("connection", "resume", one.id, "--yes", "--json")

    assert before is None  # it was read an hour too early for another look
    assert paused.json == {"connection_id": one.id, "paused": True, "changed": True}
    assert meanwhile is None
    assert again.json["changed"] is False
    assert (resumed.code, world.claims(one.id) is not None) == (0, True)


def test_a_paused_connection_is_erased_all_the_same(world: World) -> None:
    one = world.connected()
    world.calsync("connection", "pause", one.id, "--yes")

    world.change("sync", "connections", {"_id": one.id}, {"$set": {"state": "erasing", "next_sync_at": LONG_AGO}})

    assert world.claims(one.id) is not None


def test_nothing_is_changed_where_nobody_says_yes(world: World) -> None:
    one = world.connected()
    before = synced(world, one.id)

    said = [
        world.calsync("connection", "pause", one.id),
        world.calsync("connection", "resync", one.id, "--how", "reread"),
        world.calsync("budget", "set", "1"),
    ]

    assert [(each.code, each.out) for each in said] == [(2, "")] * 3
    assert all("--yes" in each.err for each in said)
    assert synced(world, one.id) == before
    assert world.calsync("audit", "--json").json["audit"] == []


def test_what_was_changed_is_recorded_with_who_did_it(world: World) -> None:
    one = world.connected()
    world.calsync("connection", "pause", one.id, "--yes")
    world.calsync("connection", "resume", one.id, "--yes", "--as", "bert")

    entries = world.calsync("audit", "--json").json["audit"]

    assert [(entry["what"], entry["outcome"], entry["who"]["as"]) for entry in entries] == [
        ("connection resume", "done", "bert"),
        ("connection pause", "done", "anna"),
    ]
    assert {entry["target"]["connection_id"] for entry in entries} == {one.id}
    assert all(entry["at"] <= entry["ended_at"] and entry["who"]["user"] and entry["who"]["host"] for entry in entries)
    only = world.calsync("audit", "--json", "--what", "connection pause").json["audit"]
    assert only == entries[1:]


def test_a_look_is_asked_for_as_everybody_asks(world: World) -> None:
    one = world.connected()

    said = world.calsync("connection", "resync", one.id, "--yes")

    (request,) = asked(world, one.id)
    assert said.code == 0
    assert (request.reason, request.epoch, request.confirm_removals) == (RequestReason.OPS, 1, ())


@pytest.mark.parametrize(("how", "step"), [("compare", How.DAILY), ("reread", How.CHANGES)])
def test_a_thorough_look_is_what_the_next_pass_does(world: World, how: str, step: How) -> None:
    one = world.connected(events=2)
    fence = synced(world, one.id)["fence"]

    said = world.calsync("connection", "resync", one.id, "--how", how, "--yes", "--json")

    claim = world.claims(one.id)
    assert said.code == 0
    assert claim is not None
    assert claim.fence == fence + 2  # the command's own, and the claim's
    shown = {CALENDAR: Shown("/p/", supported=True, ctag="c", token="t")}
    remembered = Remembered(
        conflict_calendars=frozenset({CALENDAR}),
        tracked=claim.calendars,
        basis=claim.basis,
        nth_pass=1,
        now=LONG_AGO,
        daily_since=LONG_AGO,
    )
    assert [each.how for each in plan(shown, remembered).steps] == [step]
    unread = {"connection_id": one.id, "basis": ""}
    assert bool(world.find("sync", "objects", unread)) is (how == "reread")


def test_what_is_kept_is_told_again_with_its_revisions(world: World) -> None:
    one = world.connected(events=2)

    said = world.calsync("connection", "resync", one.id, "--how", "republish", "--yes", "--json")

    claim = world.claims(one.id)
    assert said.json["objects"] == 2
    assert claim is not None
    assert claim.unpublished
    assert {world.find("sync", "objects", {"_id": each})["pending"] for each in one.events} == {True}


def test_a_connection_that_a_worker_has_is_not_touched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = world.connected()
    monkeypatch.setattr("calsync.by_hand.edit.__kwdefaults__", {"seconds": 0.1})
    lease = {"owner": "a-worker", "token": "t", "until": LONG_AGO.replace(year=2099)}
    world.change("sync", "connections", {"_id": one.id}, {"$set": {"lease": lease}})
    before = synced(world, one.id)

    said = world.calsync("connection", "resync", one.id, "--how", "reread", "--yes")

    assert (said.code, synced(world, one.id)) == (1, before)
    assert [entry["outcome"] for entry in world.calsync("audit", "--json").json["audit"]] == ["failed"]


def test_held_removals_are_seen_and_settled(world: World) -> None:
    one = world.connected()
    world.does(lambda client: held(client, one))

    (row,) = world.calsync("removals", "list", "--json").json["held"]
    other = world.calsync("removals", "confirm", one.id, "cal-other", "--yes")
    confirmed = world.calsync("removals", "confirm", one.id, CALENDAR, "--yes")
    dropped = world.calsync("removals", "drop", one.id, CALENDAR, "--yes")

    assert (row["calendar_id"], row["doubt"], row["known"], row["missing"]) == (CALENDAR, "shrunken", 30, 20)
    assert [each.code for each in (other, confirmed, dropped)] == [1, 0, 0]
    first, second = asked(world, one.id)
    assert (first.confirm_removals, first.keep_removals) == ((CALENDAR,), ())
    assert (second.confirm_removals, second.keep_removals) == ((), (CALENDAR,))
    (seen,) = first.held_since
    assert second.held_since == (seen,)
    assert (seen.calendar_id, datetime.fromtimestamp(seen.since, UTC)) == (
        CALENDAR,
        datetime.fromisoformat(row["since"]),
    )


def test_what_cannot_be_read_is_seen_and_read_again(world: World) -> None:
    one = world.connected(events=2)
    world.does(lambda client: quarantined(client, one))

    listed = world.calsync("quarantine", "list", "--json").json
    other = world.calsync("quarantine", "retry", one.id, "--event", one.events[1], "--yes")
    retried = world.calsync("quarantine", "retry", one.id, "--yes", "--json")

    assert listed["reasons"] == [{"reason": "rule_malformed", "objects": 1}]
    assert [each["event_id"] for each in listed["objects"]] == [one.events[0]]
    assert (other.code, retried.json["objects"]) == (1, 1)
    bases = [world.find("sync", "objects", {"_id": each})["basis"] for each in one.events]
    assert [basis == "" for basis in bases] == [True, False]
    assert synced(world, one.id)["calendars"][CALENDAR]["basis"] == ""
    assert world.claims(one.id) is not None


def test_what_stays_of_a_user_is_told_however_their_connection_is_named(world: World) -> None:
    one, other = world.connected(events=1), world.connected(events=1)
    for kept in (one, one, other):
        booked(world, kept)
    world.ended(one)
    asked_nobody = {"CALSYNC_CONNECTOR_URL": "http://127.0.0.1:1", "CALSYNC_ADMIN_TOKEN": "token"}
    whose = ("--account", one.owner.account_id, "--user", one.owner.user_id)

    said = [
        world.calsync("erase", *named, "--wait", "0", "--yes", "--json", **asked_nobody) for named in ((one.id,), whose)
    ]

    assert [each.json["stays"] for each in said] == [{"appointment": 2, "blocked_slot": 0}] * 2


def booked(world: World, kept: Kept) -> None:
    """An appointment of its user."""
    whose = {"account_id": kept.owner.account_id, "user_id": kept.owner.user_id}
    one = {"_id": uuid4().hex, "kind": "appointment", **whose}
    world.does(lambda client: client["availability"]["timeline"].insert_one(one))


def test_the_fleet_is_slowed_down_and_let_go_again(world: World) -> None:
    def drawn() -> list[int]:
        async def work(client: Client) -> list[int]:
            grants = MongoGrants(client, 50)
            return [(await grants.draw(10)).count for _ in range(3)]

        return world.does(work)

    free = drawn()
    stopped = world.calsync("budget", "set", "0", "--yes")
    none = drawn()
    shown = world.calsync("budget", "show", "--json").json
    world.calsync("budget", "clear", "--yes")

    assert (stopped.code, free[0], none, shown["limit_per_second"]) == (0, 10, [0, 0, 0], 0)
    assert "limit" not in world.find("sync", "budgets", {"_id": "fleet"})
    assert world.calsync("budget", "set", "-1", "--yes").code == 2


def test_a_slowed_fleet_asks_again_within_seconds(world: World) -> None:
    world.calsync("budget", "set", "0.01", "--yes")

    async def work(client: Client) -> float:
        grants = MongoGrants(client, 50)
        await grants.draw(10)
        return (await grants.draw(10)).next_in

    assert 0 < world.does(work) <= 5


def test_leases_and_what_waits_are_counted(world: World) -> None:
    one = world.connected()
    world.change("sync", "objects", {"_id": one.events[0]}, {"$set": {"pending": True}})
    lease = {"owner": "w-1:7", "token": "t", "until": LONG_AGO}
    world.change("sync", "connections", {"_id": one.id}, {"$set": {"lease": lease, "next_sync_at": LONG_AGO}})

    leases = world.calsync("leases", "--connections", "--json").json
    late = world.calsync("pending", "--json")
    patient = world.calsync("pending", "--max-age", "1e12")

    assert leases["workers"][0] | {"last_until": ""} == {
        "worker": "w-1:7",
        "connections": 1,
        "lapsed": 1,
        "last_until": "",
    }
    assert (leases["due"]["connections"], leases["connections"][0]["connection_id"]) == (1, one.id)
    assert (late.code, late.json["late"]) == (1, ["sync-worker"])
    assert [row["waiting"] for row in late.json["pending"]] == [0, 1, 0, 0]
    assert patient.code == 0


def test_no_command_says_anything_secret_or_personal(world: World) -> None:
    one = world.connected(told=True)
    world.does(lambda client: held(client, one))
    world.does(lambda client: quarantined(client, one))
    for command in (
        ("connection", "list"),
        ("connection", "show", one.id),
        ("connection", "pause", one.id, "--yes"),
        ("connection", "resume", one.id, "--yes", "--json"),
        ("removals", "list"),
        ("quarantine", "list"),
        ("leases", "--connections"),
        ("pending",),
        ("verify", one.id, "--topic", *("--settle", "0")),
        ("keys", "status"),
        ("audit",),
    ):
        assert world.calsync(*command).code in {0, 1}, command

    said = "\n".join(each.out + each.err for each in world.said).encode()

    canaries = (APPLE_ID, APP_PASSWORD, TITLE, "m…@icloud.com", "20451177", "Privé", "@icloud.com")
    assert one.id.encode() in said
    assert [canary for canary in canaries if any(shape in said for shape in shapes(canary).values())] == []


def test_the_key_tool_is_used_and_its_use_recorded(world: World, tmp_path: Path) -> None:
    made = world.calsync("keys", "create", str(tmp_path), "--yes", "--json")
    status = world.calsync("keys", "status", "--json")
    in_use = world.calsync("keys", "retire", "k", "--yes")

    assert (made.code, made.json["code"]) == (0, 0)
    assert len([*tmp_path.rglob("*.pem")]) == 2
    assert (status.code, status.json) == (0, {"keys": []})
    assert in_use.code == 2  # it needs to be told where the keys lie
    entries = world.calsync("audit", "--json").json["audit"]
    assert [(entry["what"], entry["outcome"]) for entry in entries] == [
        ("keys retire", "failed"),
        ("keys create", "done"),
    ]
