"""A confirmation over HTTP is about the removals that its caller was shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from connector.application.follow_sync import RecordCalendars, RecordReports
from connector.inbound.kafka import SyncWords
from connector.outbound.kafka import requested
from connector_examples import MARIE, NOW, PRIVATE, READ_ONLY, SECRET, connection
from connector_fakes import FakeApple, FakeWorkers
from connector_http import as_, client_of, interface
from connector_stores import Store, fake_store
from contracts.events import HeldSince, HoldState, RemovalsHeld
from runtime.kafka import Delivery

ONE = "/v1/connections/c-1"
SINCE = int(NOW.timestamp()) - 3_600


class World:
    """Marie is connected, and the workers hold removals of one calendar."""

    def __init__(self, store: Store, http: httpx.AsyncClient, workers: FakeWorkers) -> None:
        self._store, self._http, self.workers = store.connections, http, workers
        self._words = SyncWords(RecordReports(self._store), RecordCalendars(self._store, lambda: NOW, lambda: None))

    async def begun(self) -> None:
        await self._store.add(connection("c-1", MARIE), SECRET)
        await self.hold(SINCE)

    async def hold(self, since: int) -> None:
        """From then on, as the workers tell it."""
        event = RemovalsHeld(
            account_id=MARIE.account_id,
            user_id=MARIE.user_id,
            connection_id="c-1",
            epoch=1,
            revision=since,
            calendar_id=PRIVATE.id,
            state=HoldState.HELD,
            known=40,
            missing=38,
            since=since,
        )
        await self._words([Delivery(event, "icloud.sync.v1", 0, 0, 0)])

    async def shown(self) -> Any:  # noqa: ANN401 - JSON
        (held,) = (await self._http.get(ONE, headers=as_(MARIE))).json()["held_removals"]
        return held["since"]

    async def decide(self, **decided: object) -> tuple[int, str | None]:
        answer = await self._http.post(f"{ONE}/sync", json=decided, headers=as_(MARIE))
        return answer.status_code, answer.json()["code"] if answer.content else None


@asynccontextmanager
async def world_on(store: Store) -> AsyncIterator[World]:
    workers = FakeWorkers()
    async with client_of(interface(store.connections, FakeApple(), workers)) as http:
        found = World(store, http, workers)
        await found.begun()
        yield found


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_on(fake_store()) as found:
        yield found


def saw(since: object, calendar_id: str = PRIVATE.id) -> list[dict[str, object]]:
    return [{"calendar_id": calendar_id, "since": since}]


async def test_the_moment_that_was_shown_goes_to_the_workers_as_they_told_it(store: Store) -> None:
    async with world_on(store) as world:
        answer = await world.decide(confirm_removals=[PRIVATE.id], held_since=saw(await world.shown()))

    assert answer == (202, None)
    (asked,) = world.workers.asked
    assert requested(asked).held_since == (HeldSince(calendar_id=PRIVATE.id, since=SINCE),)


async def test_what_came_to_be_held_since_is_not_confirmed(world: World) -> None:
    seen = await world.shown()
    await world.hold(SINCE + 600)

    refused = await world.decide(confirm_removals=[PRIVATE.id], held_since=saw(seen))
    again = await world.decide(confirm_removals=[PRIVATE.id], held_since=saw(await world.shown()))

    assert (refused, again) == ((409, "held_otherwise"), (202, None))
    assert len(world.workers.asked) == 1


async def test_the_same_moment_may_be_written_in_another_zone(world: World) -> None:
    paris = datetime.fromtimestamp(SINCE, ZoneInfo("Europe/Paris"))

    answer = await world.decide(confirm_removals=[PRIVATE.id], held_since=saw(paris.isoformat()))

    assert answer == (202, None)


async def test_what_is_to_be_kept_is_kept_whatever_was_seen(world: World) -> None:
    answer = await world.decide(keep_removals=[PRIVATE.id], held_since=saw("2026-01-01T00:00:00Z"))

    assert answer == (202, None)


@pytest.mark.parametrize(
    "held_since",
    [
        saw("2026-11-23T07:30:00Z", READ_ONLY.id),
        saw("2026-11-23T07:30:00Z") * 2,
        saw("2026-11-23T07:30:00"),
        saw("yesterday"),
        {PRIVATE.id: "2026-11-23T07:30:00Z"},
    ],
    ids=["of another calendar", "twice", "of no zone", "no moment", "another shape"],
)
async def test_what_makes_no_sense_is_refused_and_settles_nothing(world: World, held_since: object) -> None:
    answer = await world.decide(confirm_removals=[PRIVATE.id], held_since=held_since)

    assert (answer, world.workers.asked) == ((422, "invalid_request"), [])
