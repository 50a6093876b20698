"""A process that dies anywhere leaves behind what its successor needs, and nothing else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from contracts.events import ICloudEventImported
from worker_crashes import Fate, survive
from worker_examples import ics
from worker_stage import Stage
from worker_stores import Database, Store, fake_store

Story = Callable[[Stage], Awaitable[None]]
TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"


async def before(stage: Stage) -> None:
    """Two calendars with some events, read once."""
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    for n in range(4):
        home.put(f"h{n}", ics(f"uid-h{n}", TUESDAY))
        work.put(f"w{n}", ics(f"uid-w{n}", TUESDAY))
    await stage.follow(home, work)
    await stage.sync()


async def first_import(stage: Stage) -> None:
    home = stage.icloud.calendar("home")
    for n in range(3):
        home.put(f"h{n}", ics(f"uid-h{n}", TUESDAY))
    home.put("bad", ics("uid-bad", TUESDAY, rrule="FREQ=SOMETIMES"))
    await stage.follow(home)


async def all_sorts(stage: Stage) -> None:
    """One event is added, one changed, one deleted, one moved to the other calendar."""
    await before(stage)
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    home.put("new", ics("uid-new", FRIDAY))
    home.put("h1", ics("uid-h1", FRIDAY))
    home.delete("h2")
    work.delete("w1")
    home.put("w1", ics("uid-w1", TUESDAY))


async def dead_token(stage: Stage) -> None:
    await before(stage)
    home = stage.icloud.calendar("home")
    home.delete("h2")
    home.put("h1", ics("uid-h1", FRIDAY))
    home.dead_before = len(home.log)


async def calendar_left(stage: Stage) -> None:
    await before(stage)
    await stage.follow(stage.icloud.calendar("home"))


async def disconnecting(stage: Stage) -> None:
    await before(stage)
    await stage.disconnect()


async def held(stage: Stage) -> None:
    """So much is deleted that it waits."""
    await before(stage)
    home = stage.icloud.calendar("home")
    for n in range(4):
        home.delete(f"h{n}")
    home.put("new", ics("uid-new", FRIDAY))


async def second_look(stage: Stage) -> None:
    await held(stage)
    await stage.sync()


async def vanished(stage: Stage) -> None:
    """A calendar is gone for good."""
    await before(stage)
    del stage.icloud.list[stage.icloud.calendar("work").path]
    await stage.sync()


async def next_day(stage: Stage) -> None:
    """One event is over, one enters the horizon, one was changed without a word, the zone is another one."""
    await before(stage)
    home = stage.icloud.calendar("home")
    home.put("far", ics("uid-far", "2028-04-06T10:00"))
    home.put("h1", ics("uid-h1", "2027-06-01T10:00"))
    home.log.pop()
    stage.now += timedelta(days=3)


async def another_zone(stage: Stage) -> None:
    await before(stage)
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    home.put("afloat", ics("uid-afloat", TUESDAY).replace("00Z", "00"))
    await stage.sync()
    await stage.follow(home, work, time_zone="America/New_York")


STORIES = [
    first_import,
    all_sorts,
    dead_token,
    calendar_left,
    disconnecting,
    held,
    second_look,
    vanished,
    next_day,
    another_zone,
]


def known_by_readers(stage: Stage) -> set[tuple[str, str]]:
    """What a reader that starts today learns from the events' topic, revisions aside."""
    bare = {"revision": 0, "as_of": 0, "connection_id": ""}
    return {
        (one.uid_hash or "", one.model_copy(update=bare).model_dump_json()) for one in stage.events.topic().values()
    }


async def left_behind(stage: Stage) -> object:
    """What the store holds in the end."""
    await stage.store.connections.wake(stage.connection_id)
    claims = await stage.store.leases().claim(1)
    if not claims:
        return "nothing"
    (claim,) = claims
    calendars = {one: (tracked.token, tracked.ctag, tracked.failures) for one, tracked in claim.calendars.items()}
    objects = {
        one.event_id: (one.alive, one.etag, one.digest) for one in await stage.store.objects.remaining(claim, 99)
    }
    return calendars, objects, list(await stage.store.objects.pending(claim, 99)), claim.unpublished


def revisions_only_grow(stage: Stage) -> bool:
    """No record says less than one before it (a repeated one may say the same again)."""
    ids = {one.event_id for one in stage.events.of(ICloudEventImported) if isinstance(one, ICloudEventImported)}
    histories = [[revision for _, revision in stage.events.history(one)] for one in ids]
    return all(history == sorted(history) for history in histories)


async def moments_of(story: Story) -> int:
    stage, fate = Stage(), Fate()
    await story(stage)
    await survive(stage, fate)
    return fate.moments


async def compare(story: Story, store: Callable[[], Store], moments: range) -> None:
    calm = Stage()
    await story(calm)
    await survive(calm, Fate())
    expected = known_by_readers(calm), await left_behind(calm)
    for moment in moments:
        stage, fate = Stage(store=store()), Fate(at=moment)
        await story(stage)
        await survive(stage, fate)

        assert (known_by_readers(stage), await left_behind(stage)) == expected, fate.where
        assert revisions_only_grow(stage), fate.where


@pytest.mark.parametrize("story", STORIES, ids=[story.__name__ for story in STORIES])
async def test_whenever_a_process_dies_readers_and_store_end_up_the_same(story: Story) -> None:
    moments = await moments_of(story)

    await compare(story, fake_store, range(moments))

    assert moments >= 10


@pytest.mark.servers
@pytest.mark.parametrize("moment", range(0, 72, 8))
async def test_the_same_holds_on_a_real_mongodb(mine: Database, moment: int) -> None:
    await compare(all_sorts, mine.store, range(moment, moment + 1))
