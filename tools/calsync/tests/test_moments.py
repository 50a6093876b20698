"""Every moment that the command tells scripts is RFC 3339, whatever the services keep it as."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tools.calsync.tests.world import LONG_AGO, NINE, World, held, quarantined

pytestmark = pytest.mark.servers
_IN_2001 = 1_000_000_000
"""Epoch seconds; nothing that is counted comes near."""


def test_what_cannot_be_read_is_told_with_moments(world: World) -> None:
    one = world.connected(events=1)
    world.does(lambda client: quarantined(client, one))

    (row,) = world.calsync("quarantine", "list", "--json").json["objects"]
    table = world.calsync("quarantine", "list")

    span = [datetime.fromisoformat(row[name]) for name in ("start", "end")]
    assert span == [datetime.fromtimestamp(moment, UTC) for moment in (NINE, NINE + 3600)]
    assert (row["start"] in table.out, str(NINE) in table.out) == (True, False)


def test_no_command_that_looks_tells_a_moment_as_a_number(world: World) -> None:
    one = world.connected(told=True)
    world.does(lambda client: held(client, one))
    world.does(lambda client: quarantined(client, one))
    lease = {"owner": "w-1:7", "token": "t", "until": LONG_AGO}
    world.change("sync", "connections", {"_id": one.id}, {"$set": {"lease": lease, "throttled_until": LONG_AGO}})
    world.calsync("budget", "set", "5", "--yes")
    looks = (
        ("connection", "list"),
        ("connection", "show", one.id),
        ("leases", "--connections"),
        ("pending",),
        ("removals", "list"),
        ("quarantine", "list"),
        ("dead-letters", "list"),
        ("budget", "show"),
        ("keys", "status"),
        ("verify", one.id, "--topic", "--settle", "0"),
        ("connection", "renew", "--all", "--dry-run"),
        ("connection", "retell", "--all", "--dry-run"),
        ("audit",),
    )

    told = {look: [*_numbers(world.calsync(*look, "--json").json)] for look in looks}

    assert {look: [one for one in found if one >= _IN_2001] for look, found in told.items()} == {
        look: [] for look in looks
    }


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _numbers(one)
    elif isinstance(value, int | float):
        yield value
