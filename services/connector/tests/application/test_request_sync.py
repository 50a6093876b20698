from datetime import datetime, timedelta

import pytest

from connector.application.refusals import HeldOtherwise, NobodyToAsk, NoSuchConnection, TooSoon, UnknownCalendar
from connector.application.request_sync import PAUSE, PAUSE_BEFORE_A_DECISION, Request, RequestSync
from connector.domain.connection import Owner
from connector.domain.reading import HeldRemovals
from connector.domain.sync import Held, Word
from connector_examples import MARIE, NOW, PAUL, PRIVATE, SECRET, STRANGER, SUBSCRIBED, connection
from connector_fakes import FakeConnections, FakeWorkers


class World:
    """Marie is connected, and a clock can be set."""

    def __init__(self) -> None:
        self.store, self.workers, self.now = FakeConnections(), FakeWorkers(), NOW
        self.request = RequestSync(self.store, self.workers, self._clock)

    async def begun(self) -> None:
        await self.store.add(connection("c-1", MARIE), SECRET)

    def _clock(self) -> datetime:
        return self.now


async def test_the_workers_are_asked_for_a_look() -> None:
    world = World()
    await world.begun()

    await world.request(MARIE, "c-1", confirm=(PRIVATE.id,), keep=(SUBSCRIBED.id,))

    assert world.workers.asked == [Request(connection("c-1", MARIE), NOW, (PRIVATE.id,), (SUBSCRIBED.id,))]


@pytest.mark.parametrize(("confirm", "pause"), [((), PAUSE), ((PRIVATE.id,), PAUSE_BEFORE_A_DECISION)])
async def test_nobody_asks_again_within_a_pause(confirm: tuple[str, ...], pause: timedelta) -> None:
    world = World()
    await world.begun()
    await world.request(MARIE, "c-1", confirm=confirm)

    world.now = NOW + pause - timedelta(seconds=0.5)
    with pytest.raises(TooSoon) as refusal:
        await world.request(MARIE, "c-1", confirm=confirm)
    world.now = NOW + pause
    await world.request(MARIE, "c-1", confirm=confirm)

    assert refusal.value.after == timedelta(seconds=0.5)
    assert len(world.workers.asked) == 2


@pytest.mark.parametrize("seen", [NOW - timedelta(minutes=20), NOW, None], ids=["before", "after", "settled by now"])
async def test_something_else_than_was_seen_is_not_confirmed(seen: datetime | None) -> None:
    world = World()
    await world.begun()
    if seen:
        held = HeldRemovals(PRIVATE.id, NOW - timedelta(minutes=10), 40, 38)
        await world.store.record([Held(Word("c-1", 1, 5), held)])

    with pytest.raises(HeldOtherwise):
        await world.request(MARIE, "c-1", confirm=(PRIVATE.id,), seen={PRIVATE.id: seen or NOW})
    await world.request(MARIE, "c-1", confirm=(PRIVATE.id,))

    assert len(world.workers.asked) == 1


async def test_workers_that_cannot_be_reached_are_told_as_such() -> None:
    world = World()
    await world.begun()
    world.workers.away = True

    with pytest.raises(NobodyToAsk):
        await world.request(MARIE, "c-1")


async def test_nothing_is_decided_about_a_calendar_of_somebody_else() -> None:
    world = World()
    await world.begun()

    with pytest.raises(UnknownCalendar):
        await world.request(MARIE, "c-1", keep=("nobody's",))

    assert world.workers.asked == []


@pytest.mark.parametrize(("who", "which"), [(PAUL, "c-1"), (STRANGER, "c-1"), (MARIE, "c-2")])
async def test_what_is_not_ones_own_is_not_there(who: Owner, which: str) -> None:
    world = World()
    await world.begun()

    with pytest.raises(NoSuchConnection):
        await world.request(who, which)

    assert world.workers.asked == []
