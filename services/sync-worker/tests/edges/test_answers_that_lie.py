"""A server that answers wrongly takes nothing away: the real client and the simulator, the rest in memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events import HoldState, ICloudEventRemoved, RemovalsHeld
from icloud import Account, AppleCredential, Endpoint, ICloud
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from sync_worker.application.claim import Claim
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

SIZE = 40
SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=3)


class Opened:
    """Accounts at the simulator."""

    def __init__(self, icloud: ICloud, apple: SimulatedAccount) -> None:
        self._icloud = icloud
        self._credential = AppleCredential(apple.apple_id, apple.app_password)

    async def open(self, claim: Claim) -> Account:
        return self._icloud.account(self._credential, claim.home.open(self._credential))


class Scene:
    """A user with an account at the simulator whose calendar was read once."""

    def __init__(self, admin: SimulatorAdmin, apple: SimulatedAccount, accounts: Opened) -> None:
        self.admin = admin
        self.apple = apple
        self.stage = Stage(now=datetime.now(UTC))
        self._accounts = accounts

    async def begin(self) -> None:
        texts = {f"event-number-{n:05}.ics": ics(f"uid-{n}", SOON.isoformat()) for n in range(SIZE)}
        await asyncio.to_thread(self.admin.put_objects, self.apple.apple_id, "home", texts)
        await self.stage.follow(FakeCalendar(f"{self.apple.home}home/"))
        await self.passes(1)

    async def passes(self, count: int) -> None:
        """So many, eleven minutes apart."""
        for _ in range(count):
            await self.stage.worker(self.stage.neighbours(self._accounts))(await self.stage.claim())
            self.stage.now += timedelta(minutes=11)

    async def lie(self, **knobs: object) -> None:
        """From now on the server has forgotten our token, and answers wrongly."""
        await asyncio.to_thread(self.admin.expire_tokens, self.apple.apple_id, "home")
        await asyncio.to_thread(self.admin.touch, self.apple.apple_id, "home", ["event-number-00000.ics"])
        await asyncio.to_thread(self.admin.set_faults, self.apple.apple_id, **knobs)

    async def recover(self) -> None:
        await asyncio.to_thread(self.admin.clear_faults, self.apple.apple_id)

    @property
    def removed(self) -> int:
        return len(self.stage.events.of(ICloudEventRemoved))

    @property
    def known(self) -> int:
        return len(self.stage.events.topic())

    @property
    def held(self) -> list[HoldState]:
        return [one.state for one in self.stage.events.of(RemovalsHeld) if isinstance(one, RemovalsHeld)]


@pytest.fixture
async def scene(admin: SimulatorAdmin, endpoint: Endpoint) -> AsyncIterator[Scene]:
    apple = await asyncio.to_thread(admin.create_account)
    async with ICloud(endpoint) as icloud:
        found = Scene(admin, apple, Opened(icloud, apple))
        await found.begin()
        yield found


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"empty_multistatus": 1, "methods": ["REPORT"]}, id="empty 207"),
        pytest.param({"empty_multistatus": 1}, id="empty 207 everywhere"),
        pytest.param({"dropped_responses": 0.6, "methods": ["REPORT"], "seed": 5}, id="half a page"),
        pytest.param({"dropped_responses": 0.6, "seed": 6}, id="half of everything"),
        pytest.param({"dropped_responses": 0.1, "seed": 7}, id="a few are left out"),
        pytest.param({"truncated": 1}, id="truncated XML"),
        pytest.param({"truncated": 1, "methods": ["REPORT"]}, id="truncated reports"),
        pytest.param({"html": 1, "methods": ["REPORT"]}, id="200 with HTML"),
        pytest.param({"wrong_calendar": True}, id="wrong calendar"),
        pytest.param({"home_missing": 1}, id="404 for the home"),
    ],
)
async def test_a_server_that_answers_wrongly_takes_nothing_away_and_all_is_well_again_afterwards(
    scene: Scene, knobs: dict[str, object]
) -> None:
    await scene.lie(**knobs)
    await scene.passes(5)
    during = scene.removed, scene.known

    await scene.recover()
    await scene.passes(8)

    assert during == (0, SIZE)
    assert (scene.removed, scene.known) == (0, SIZE)
    assert scene.stage.events.completed()[-1].calendars == ()
    assert not scene.held or scene.held[-1] is HoldState.DROPPED


async def test_a_calendar_that_was_really_emptied_is_believed_after_a_second_look(scene: Scene) -> None:
    await asyncio.to_thread(scene.admin.empty_calendar, scene.apple.apple_id, "home")

    await scene.passes(1)
    first = scene.removed
    await scene.passes(1)

    assert (first, scene.removed, scene.known) == (0, SIZE, 0)
    assert scene.held == [HoldState.HELD, HoldState.CONFIRMED]


async def test_a_calendar_that_was_really_removed_is_let_go(scene: Scene) -> None:
    await asyncio.to_thread(scene.admin.remove_calendar, scene.apple.apple_id, "home")

    await scene.passes(1)
    first = scene.removed
    await scene.passes(1)

    assert (first, scene.removed, scene.known) == (0, SIZE, 0)
    assert scene.stage.events.completed()[-1].calendars == ()


async def test_what_is_lost_on_the_way_is_found_within_a_day(scene: Scene) -> None:
    await asyncio.to_thread(
        scene.admin.delete_object, scene.apple.apple_id, "home", "event-number-00001.ics", trace="unnoticed"
    )
    await scene.passes(2)

    scene.stage.now += timedelta(days=1)
    await scene.passes(1)

    assert (scene.removed, scene.known) == (1, SIZE - 1)
