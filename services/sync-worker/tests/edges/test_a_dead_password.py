"""A password dies at the simulator: what the worker asks, says, and does after a reconnect."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.events import CalendarReconnected, CalendarSetupChanged, CredentialsRejected, ICloudEventImported
from icloud import AppleCredential, calendar_id
from icloud.credentials import Binding, SealedCredential, Sealer
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from sync_worker.outbound.vault import CREDENTIALS
from worker_edges import Edges
from worker_examples import connected, ics, requested
from worker_waiting import eventually

pytestmark = pytest.mark.servers

SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=3)
SPACE = timedelta(seconds=80)


async def test_a_dead_password_costs_few_requests_then_none_and_a_reconnect_goes_on_from_where_it_was(
    edges: Edges, admin: SimulatorAdmin
) -> None:
    apple, other = [await asyncio.to_thread(admin.create_account) for _ in range(2)]
    await put(admin, apple, "stays", 1)
    await edges.worker()
    one, neighbour = await edges.connect(apple, "home"), await edges.connect(other, "home")
    await eventually(lambda: completed(edges, one))
    await eventually(lambda: starts(edges, one, 1))
    before = known_of(edges, one)

    # The password dies; time between the refusals is taken out of the store.
    await asyncio.to_thread(admin.revoke_app_password, apple.apple_id)
    await eventually(lambda: rejected(edges, one), within=60)
    refused = [seen for seen in await asyncio.to_thread(admin.requests, apple.apple_id) if seen.status == 401]
    assert 3 <= len(refused) <= 2 * 4  # each try takes two: it looks for a home that moved

    # Whatever anybody asks for then, Apple is left alone, while the neighbour is looked at as ever.
    asked = len(await asyncio.to_thread(admin.requests, apple.apple_id))
    home = calendar_id(one, f"{apple.home}home/")
    await edges.say(requested(one))
    await edges.say(CalendarSetupChanged(**connected(one, home, revision=2).model_dump()))
    await eventually(lambda: followed(edges, one, 2))
    turns = await fence(edges, neighbour)
    await eventually(lambda: turned(edges, neighbour, turns + 4))
    assert len(await asyncio.to_thread(admin.requests, apple.apple_id)) == asked

    # A new password: only what is new is asked for, and everything has the name it had.
    await put(admin, apple, "new", 2)
    await renew(edges, apple, one, await asyncio.to_thread(admin.new_app_password, apple.apple_id))
    await edges.say(CalendarReconnected(**connected(one, home, epoch=2, revision=3).model_dump()))
    await eventually(lambda: starts(edges, one, 1, 2))
    after = known_of(edges, one)
    since = [seen.kind for seen in await asyncio.to_thread(admin.requests, apple.apple_id)][asked:]
    assert {event_id: after[event_id] for event_id in before} == before
    assert not {kind for kind in since if "query" in kind}


async def put(admin: SimulatorAdmin, apple: SimulatedAccount, name: str, day: int) -> None:
    text = ics(f"uid-{name}", (SOON + timedelta(days=day)).isoformat())
    await asyncio.to_thread(admin.put_object, apple.apple_id, "home", f"{name}.ics", text)


async def completed(edges: Edges, one: str) -> bool:
    return any(each.connection_id == one for each in edges.heard.completed())


async def starts(edges: Edges, one: str, *days: int) -> bool:
    wanted = [int((SOON + timedelta(days=day)).replace(tzinfo=UTC).timestamp()) for day in days]
    return edges.heard.starts(one) == wanted


async def document(edges: Edges, one: str) -> dict[str, Any]:
    found = await edges.mine.client[edges.mine.name]["connections"].find_one({"_id": one})
    assert found is not None
    return found


async def rejected(edges: Edges, one: str) -> bool:
    """Whether it is told; brings the next try near, as though the time between had passed."""
    spaced = {name: {"$subtract": [f"${name}", SPACE // timedelta(milliseconds=1)]} for name in TIMES}
    await edges.mine.client[edges.mine.name]["connections"].update_one(
        {"_id": one, "lease": {"$exists": False}, "rejections": {"$exists": True}, "stopped_at": {"$exists": False}},
        [{"$set": spaced | {"next_sync_at": "$$NOW"}}],
    )
    return any(isinstance(said, CredentialsRejected) for said in edges.heard.of(one))


TIMES = ("rejections.since", "rejections.last")


async def followed(edges: Edges, one: str, revision: int) -> bool:
    return int((await document(edges, one))["revision"]) == revision


async def fence(edges: Edges, one: str) -> int:
    return int((await document(edges, one))["fence"])


async def turned(edges: Edges, one: str, enough: int) -> bool:
    return await fence(edges, one) >= enough


async def renew(edges: Edges, apple: SimulatedAccount, one: str, password: str) -> None:
    """What the connector does with a new password."""
    sealed = Sealer(edges.keys.public_key_file).seal(
        SealedCredential(AppleCredential(apple.apple_id, password), apple.principal), Binding("acc-1", one)
    )
    fields = {"epoch": 2, "version": sealed.version, "key_id": sealed.key_id, "sealed": sealed.sealed}
    await edges.mine.client[edges.mine.name][CREDENTIALS].update_one({"_id": one}, {"$set": fields})


def known_of(edges: Edges, connection_id: str) -> dict[str, ICloudEventImported]:
    """Of this connection alone: other tests speak on the same topic."""
    return {key: one for key, one in edges.heard.topic().items() if one.connection_id == connection_id}
