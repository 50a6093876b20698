"""Held removals are confirmed as they were seen in the list."""

from datetime import UTC, datetime, timedelta

import pytest
from tools.calsync.tests.world import CALENDAR, World, held

pytestmark = pytest.mark.servers


def test_what_was_seen_in_the_list_is_confirmed_and_nothing_that_came_since(world: World) -> None:
    one = world.connected()
    world.does(lambda client: held(client, one))
    (row,) = world.calsync("removals", "list", "--connection", one.id, "--json").json["held"]
    command = ("removals", "confirm", one.id, CALENDAR, "--held-since", row["since"], "--yes")

    as_seen = world.calsync(*command)
    hold = world.find("sync", "connections", {"_id": one.id})["calendars"][CALENDAR]["hold"]
    later = {f"calendars.{CALENDAR}.hold.since": hold["since"] + timedelta(minutes=10)}
    world.change("sync", "connections", {"_id": one.id}, {"$set": later})
    too_late = world.calsync(*command)

    assert (as_seen.code, too_late.code) == (0, 1)
    assert "removals list" in too_late.err


def test_what_was_said_is_listed_before_and_after_the_worker_has_heard_it(world: World) -> None:
    one = world.connected()
    world.does(lambda client: held(client, one))
    listed = ("removals", "list", "--connection", one.id, "--json")
    until = datetime(2027, 3, 2, 9, tzinfo=UTC)

    nothing = world.calsync(*listed).json["held"]
    world.change("sync", "connections", {"_id": one.id}, {"$set": {f"wishes.{CALENDAR}": "keep"}})
    said = world.calsync(*listed).json["held"]
    heard = {"$set": {f"calendars.{CALENDAR}.hold.kept_until": until}, "$unset": {f"wishes.{CALENDAR}": ""}}
    world.change("sync", "connections", {"_id": one.id}, heard)
    kept = world.calsync(*listed).json["held"]
    world.change("sync", "connections", {"_id": one.id}, {"$set": {f"wishes.{CALENDAR}": "confirm"}})
    taken_back = world.calsync(*listed).json["held"]

    assert [row["said"] for (row,) in (nothing, said, kept, taken_back)] == [None, "keep", "keep", "confirm"]
    assert [row["kept_until"] is None for (row,) in (nothing, said, kept)] == [True, True, False]
