"""How much of a calendar is in memory at once, and whose turn it is."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from icloud import CalendarObject, Missing
from sync_worker.application.claim import Claim
from sync_worker.application.import_objects import BATCH, ImportObjects
from sync_worker.application.judge_object import Look, Wanted
from sync_worker.application.publish_states import PublishStates, Said
from sync_worker.domain.outbox import Imported, Known, Refresh, State
from sync_worker.domain.passes import Horizon
from worker_examples import NOW, ics
from worker_stage import Stage

PATH = "/1/calendars/home/"
MEGABYTE = 1024 * 1024
START = "2027-03-02T10:00"


@dataclass
class Endless:
    """A calendar whose objects are made when they are asked for."""

    text: str
    asked: list[int] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
        del path
        self.asked.append(len(hrefs))
        await self.open.wait()
        for href in hrefs:
            yield CalendarObject(href, '"1"', f"{self.text}\r\n")


@dataclass
class Nowhere:
    """Keeps and publishes nothing; remembers how much it was given at once."""

    written: list[int] = field(default_factory=list)

    async def known(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, Known]:
        del claim, event_ids
        return {}

    async def write(self, claim: Claim, writes: Sequence[State | Refresh]) -> None:
        del claim
        self.written.append(sum(_spans(write) for write in writes))

    async def publish(self, said: Sequence[Said]) -> None: ...

    async def pending(self, claim: Claim, limit: int) -> Sequence[State]:
        raise NotImplementedError

    async def newest(self, claim: Claim, event_ids: Collection[str]) -> Mapping[str, State]:
        raise NotImplementedError

    async def mark(self, claim: Claim, published: Mapping[str, int]) -> Collection[str]:
        del claim, published
        return ()


def _spans(write: State | Refresh) -> int:
    return sum(len(group.spans) for group in write.content.groups) if isinstance(write, Imported) else 0


@dataclass
class Import:
    """Imports of one worker."""

    claim: Claim
    nowhere: Nowhere = field(default_factory=Nowhere)

    def __post_init__(self) -> None:
        self.bring = ImportObjects(self.nowhere, PublishStates(self.nowhere, self.nowhere))

    async def of(self, source: Endless, count: int) -> list[str]:
        horizon = Horizon(past=timedelta(days=1), future=timedelta(days=400)).around(NOW)
        look = Look(as_of=NOW, horizon=horizon, zone=ZoneInfo("Europe/Paris"), addresses=frozenset())
        wanted = Wanted("cal-1", PATH, {f"{PATH}{n}.ics": '"1"' for n in range(count)})
        return (await self.bring(self.claim, source, wanted, look, _unheard)).missing

    async def peak(self, text: str, count: int) -> int:
        """Bytes of Python's own, at most, beyond what there was before."""
        source = Endless(text)
        source.open.set()
        tracemalloc.start()
        try:
            await self.of(source, count)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def _unheard(imported: int) -> None:
    del imported


@pytest.fixture
async def imports() -> Import:
    stage = Stage()
    await stage.follow(stage.icloud.calendar("home"))
    return Import(await stage.claim())


async def test_memory_does_not_grow_with_the_calendar(imports: Import) -> None:
    text = ics("uid", START, description="X" * 1_000)
    await imports.peak(text, 10)

    small, large = await imports.peak(text, BATCH), await imports.peak(text, 5 * BATCH)

    # What grows are the hrefs themselves; the texts come to 1.5 MB.
    assert large < 1.5 * small
    assert large < 2 * MEGABYTE


async def test_large_objects_are_few_in_memory_at_once(imports: Import) -> None:
    peak = await imports.peak(ics("uid", START, description="X" * 900_000), 40)

    # All of them are 36 MB. Three are a batch; while one is read it is there three times.
    assert peak < 8 * MEGABYTE


async def test_what_has_many_occurrences_is_kept_and_published_few_at_a_time(imports: Import) -> None:
    daily = Endless(ics("uid", START, rrule="FREQ=DAILY"))
    daily.open.set()

    await imports.of(daily, 200)

    assert max(imports.nowhere.written) < 21_000
    assert sum(imports.nowhere.written) > 70_000


async def test_large_imports_take_turns_and_small_ones_wait_for_none_of_them(imports: Import) -> None:
    large = [Endless(ics("uid", START)) for _ in range(12)]
    small = Endless(ics("uid", START))
    small.open.set()
    running = [asyncio.create_task(imports.of(source, 20)) for source in large]
    await asyncio.sleep(0)

    await imports.of(small, 3)

    assert sum(bool(source.asked) for source in large) == 8
    for source in large:
        source.open.set()
    await asyncio.gather(*running)
    assert all(source.asked == [20] for source in large)


async def test_the_nearest_days_are_published_first_and_each_object_is_fetched_once() -> None:
    stage = Stage()
    home = stage.icloud.calendar("home")
    for name, day in (("a-late", 300), ("b-later", 60), ("c-soon", 10)):
        home.put(name, ics(name, (NOW + timedelta(days=day)).replace(tzinfo=None).isoformat()))
    series = home.put("d-always", ics("d-always", START, rrule="FREQ=WEEKLY"))
    await stage.follow(home)

    await stage.sync()

    published = list(stage.events.topic())
    assert published[2:] == [stage.id_of(f"{home.path}{name}.ics") for name in ("b-later", "a-late")]
    assert stage.history(series) == [("ICloudEventImported", 1)]
    assert [call for call, _ in stage.icloud.asked] == ["calendars", *["listing", "objects"] * 3]
    assert sorted(stage.icloud.fetched_hrefs) == sorted(home.texts)
