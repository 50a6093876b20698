"""Held removals are confirmed as they were seen in the list."""

from datetime import timedelta

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
