"""While Kafka is away little waits for it, and nothing more is asked of Apple."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contracts.events import ICloudEventImported, ICloudEventRemoved
from runtime.kafka import PublishFailed
from sync_worker.application.publish_states import Said
from worker_examples import ics
from worker_fakes import FakeEvents
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"
MOST_PENDING = 500


class Failing(FakeEvents):
    """Kafka that goes away after so many more calls; it has what was said until then."""

    left = 0

    async def publish(self, said: Sequence[Said]) -> None:
        if not self.left:
            raise PublishFailed("away")
        self.left -= 1
        await super().publish(said)


@pytest.fixture
def stage() -> Stage:
    return Stage(events=Failing())


def kafka(stage: Stage) -> Failing:
    assert isinstance(stage.events, Failing)
    return stage.events


async def attempt(stage: Stage, calls: int) -> int:
    """A pass while Kafka takes only so many calls; how many states wait then."""
    kafka(stage).left = calls
    claim = await stage.claim()
    try:
        await stage.worker()(claim)
    except PublishFailed:
        await stage.worker().put_off(claim)
    probe = await stage.claim()
    pending = len(await stage.store.objects.pending(probe, 100_000))
    await stage.store.leases().release([probe])
    return pending


async def test_a_connection_never_has_more_than_so_many_pending(stage: Stage) -> None:
    home = stage.icloud.calendar("home")
    for n in range(700):
        home.put(f"e{n}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)

    waiting = [await attempt(stage, calls) for calls in range(4)]
    kafka(stage).left = 100
    await stage.sync()
    for n in range(330):
        home.put(f"e{n}", ics(f"uid-{n}", FRIDAY))
    for n in range(350, 530):
        home.delete(f"e{n}")
    waiting += [await attempt(stage, calls) for calls in range(8)]
    kafka(stage).left = 100
    await stage.sync()

    assert max(waiting) > 0
    assert max(waiting) <= MOST_PENDING
    assert len(stage.events.topic()) == 700 - 180


async def test_nothing_is_asked_of_apple_while_something_waits_for_kafka(stage: Stage) -> None:
    home = stage.icloud.calendar("home")
    home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await attempt(stage, 0)
    stage.icloud.asked.clear()

    await attempt(stage, 0)

    assert stage.icloud.asked == []


async def test_what_waited_is_said_first_additions_before_removals(stage: Stage) -> None:
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    work.put("a", ics("uid-a", TUESDAY))
    kafka(stage).left = 100
    await stage.follow(home, work)
    await stage.sync()
    claim = await stage.claim()
    known = await stage.store.objects.newest(claim, [stage.id_of(f"{work.path}a.ics")])
    (state,) = known.values()
    new = replace(state, event_id="new", revision=1)
    await stage.store.objects.write(claim, [replace(state, revision=2), new])
    await stage.store.leases().release([claim])
    work.delete("a")
    stage.events.said.clear()

    await stage.sync()

    about = [one for one in stage.events.said if isinstance(one, ICloudEventImported | ICloudEventRemoved)]
    last = stage.events.completed()[-1].last_event
    assert [type(one) for one in about] == [ICloudEventImported, ICloudEventImported, ICloudEventRemoved]
    assert [one.revision for one in about if one.event_id == state.event_id] == [2, 3]
    assert last is not None
    assert (last.event_id, last.revision) == (state.event_id, 3)
