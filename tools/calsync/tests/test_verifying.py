"""What must hold between the services' documents: it holds in a sound world, and each break of it is found."""

from collections.abc import Callable

import pytest
from tools.calsync.tests.world import LONG_AGO, Client, Kept, World

from contracts.events import ICloudEventImported, ICloudEventRemoved, RemovalReason
from contracts.wire import encode, tombstone

pytestmark = pytest.mark.servers

NOW = ("--grace", "0", "--settle", "0")
Break = Callable[[World, Kept], None]


def found(world: World, *arguments: str) -> set[tuple[str, str | None, str | None]]:
    said = world.calsync("verify", "--json", *NOW, *arguments).json
    return {(one["check"], one["connection_id"], one["subject"]) for one in said["findings"]}


def change(database: str, collection: str, change: dict[str, object]) -> Break:
    """Of the connection's own document."""
    return lambda world, kept: world.change(database, collection, {"_id": kept.id}, change)


def of_event(database: str, collection: str, change: dict[str, object]) -> Break:
    return lambda world, kept: world.change(database, collection, {"_id": kept.events[0]}, change)


def test_a_sound_world_holds(world: World) -> None:
    kept = world.connected(told=True)
    world.connected(events=1, told=True)

    said = world.calsync("verify", "--json")
    with_topics = world.calsync("verify", kept.id, "--topic", "--json")

    assert (said.code, said.json["holds"], said.json["findings"]) == (0, True, [])
    assert said.json["checked"] == {"connections": 2, "events": 4, "appointments": 0}
    assert (with_topics.code, with_topics.json["findings"]) == (0, [])
    assert with_topics.json["checked"]["records"] >= 4


@pytest.mark.parametrize(
    ("check", "of_the_event", "breaking"),
    [
        ("states", False, lambda world, kept: world.delete("vault", "credentials", {"_id": kept.id})),
        ("states", False, change("vault", "credentials", {"$set": {"epoch": 7}})),
        ("states", False, change("sync", "connections", {"$set": {"epoch": 7}})),
        ("states", False, lambda world, kept: world.delete("availability", "timeline", {"_id": kept.id})),
        ("states", False, lambda world, kept: world.delete("connector", "connections", {"_id": kept.id})),
        ("events", True, lambda world, kept: world.delete("availability", "timeline", {"_id": kept.events[0]})),
        ("events", True, lambda world, kept: world.delete("sync", "objects", {"_id": kept.events[0]})),
        ("events", True, of_event("sync", "objects", {"$set": {"revision": 2}})),
        ("events", True, of_event("availability", "timeline", {"$set": {"revision": 2}})),
        ("events", True, of_event("sync", "objects", {"$set": {"alive": False, "gone_at": LONG_AGO}})),
        ("gravestones", True, of_event("sync", "objects", {"$set": {"alive": False}})),
        ("pending", True, of_event("sync", "objects", {"$set": {"pending": True}})),
    ],
)
def test_what_does_not_agree_is_found(world: World, check: str, of_the_event: bool, breaking: Break) -> None:  # noqa: FBT001 - a column of the table
    kept, sound = world.connected(), world.connected()

    breaking(world, kept)

    assert found(world) == {(check, kept.id, kept.events[0] if of_the_event else None)}
    assert found(world, sound.id) == set()
    assert world.calsync("verify", *NOW).code == 1


def test_what_is_young_may_still_be_on_its_way(world: World) -> None:
    kept = world.connected()
    world.delete("availability", "timeline", {"_id": kept.events[0]})
    later = {"$set": {"as_of": int(world.now().timestamp())}}
    world.change("sync", "objects", {"_id": kept.events[0]}, later)

    said = world.calsync("verify", "--json", "--settle", "0", "--grace", "3600")

    assert said.json["findings"] == []


def test_an_end_that_nobody_has_heard_of_is_found(world: World) -> None:
    kept = world.connected()
    world.ended(kept)
    world.change("connector", "connections", {"_id": kept.id}, {"$set": {"pending": []}})

    whats = world.calsync("verify", "--json", *NOW).json["findings"]

    assert {one["what"] for one in whats} == {
        "it is over, and the workers still have it",
        "it is over, and availability still has it",
    }


def test_appointments_that_overlap_are_found(world: World) -> None:
    async def booked(client: Client) -> None:
        spans = {"a-1": (0, 10), "a-2": (10, 20), "a-3": (15, 18), "a-4": (19, 30), "a-5": (30, 31)}
        user = {"account_id": "acc-1", "user_id": "usr-1", "kind": "appointment"}
        await client["availability"]["timeline"].insert_many(
            {"_id": one, **user, "entry": {"id": one, "start": start, "end": end}}
            for one, (start, end) in spans.items()
        )

    world.does(booked)

    assert found(world) == {("overlaps", None, "a-3"), ("overlaps", None, "a-4")}


def test_what_the_topics_do_not_have_or_have_too_much_is_found(world: World) -> None:
    silent, loud = world.connected(events=1), world.connected(events=2, told=True)
    stray = "f" * 24
    event = world.events[loud.events[0]]
    removed = ICloudEventRemoved(
        **event.model_dump(
            include={"account_id", "user_id", "connection_id", "epoch", "event_id", "calendar_id", "as_of"}
        ),
        revision=1,
        reason=RemovalReason.DELETED,
    )
    left_over: ICloudEventImported = event.model_copy(update={"event_id": stray})
    world.publish(
        [
            tombstone(removed, source="tests", time=LONG_AGO),
            encode(left_over, source="tests", time=LONG_AGO),
        ]
    )

    assert found(world, silent.id, "--topic") == {("topic", silent.id, None), ("topic", silent.id, silent.events[0])}
    assert found(world, loud.id, "--topic") == {("topic", loud.id, loud.events[0]), ("topic", loud.id, stray)}


def test_over_everything_too_what_the_topics_do_not_have_is_found(world: World) -> None:
    # The topics hold what all tests of the suite have said, and only the first thousand of what differs is shown.
    silent, unread = world.connected(events=1, first=True), world.connected(events=1, first=True)
    world.delete("sync", "connections", {"_id": unread.id})
    world.connected(events=1, told=True)

    seen = {one for one in found(world, "--topic") if one[0] == "topic" and one[1] in {silent.id, unread.id}}

    assert seen == {("topic", kept.id, subject) for kept in (silent, unread) for subject in (None, kept.events[0])}


def test_a_credential_of_a_connection_that_nobody_has_is_found(world: World) -> None:
    kept, stray = world.connected(), "0" * 32

    async def left(client: Client) -> None:
        vault = client["vault"]["credentials"]
        await vault.insert_one((await vault.find_one({"_id": kept.id}) or {}) | {"_id": stray})

    world.does(left)

    assert found(world) == found(world, stray) == {("states", stray, None)}
