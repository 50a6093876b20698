"""What waits, told as the alarms tell it."""

from collections.abc import Sequence

import pytest
from tools.calsync.tests.world import LONG_AGO, Client, World

from availability.domain.users import User
from availability.outbound.mongo.guards import Claim, Guards

pytestmark = pytest.mark.servers


def test_users_whose_conflicts_are_not_looked_for_are_counted_as_the_alarm_counts_them(world: World) -> None:
    one = world.connected()
    user = User(one.owner.account_id, one.owner.user_id)

    async def left_behind(client: Client) -> Sequence[float]:
        guards = Guards(client, "availability")
        await guards.decide(user, 0, Claim())
        return await guards.measure()

    count, age = world.does(left_behind)
    nobody_is_late = world.calsync("pending", "--json")
    world.change("availability", "guards", {"unchecked": True}, {"$set": {"unchecked_since": LONG_AGO}})
    late = world.calsync("pending", "--json")

    (row,) = (each for each in late.json["pending"] if each["service"] == "availability-conflicts")
    assert (count, age < 60, nobody_is_late.code) == (1, True, 0)
    assert (late.code, late.json["late"], row["waiting"]) == (1, ["availability-conflicts"], 1)
    assert row["oldest_seconds"] > 60
