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
from worker_time import in_no_time

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

    async def taken(self, claim: Claim) -> int:
        del claim
        return sum(self.written)

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


async def _imports() -> Import:
    stage = Stage()
    await stage.follow(stage.icloud.calendar("home"))
    claim = await stage.claim()
    claim.lease.extend(float("inf"))
    return Import(claim)


@pytest.fixture
async def imports() -> Import:
    return await _imports()


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


def test_accounts_that_icloud_keeps_waiting_leave_their_turn_to_others() -> None:
    async def work() -> None:
        imports = await _imports()
        slow = [Endless(ics("uid", START)) for _ in range(12)]
        running = [asyncio.create_task(imports.of(source, 20)) for source in slow]
        await asyncio.sleep(0)
        quick = Endless(ics("uid", START))
        quick.open.set()

        async with asyncio.timeout(5):
            await imports.of(quick, 20)

        for source in slow:
            source.open.set()
        await asyncio.gather(*running)
        assert sum(imports.nowhere.written) == 13 * 20

    in_no_time(work())


def test_those_that_wait_are_a_bounded_number_in_memory() -> None:
    async def work() -> int:
        imports = await _imports()
        slow = [Endless(ics("uid", START)) for _ in range(60)]
        running = [asyncio.create_task(imports.of(source, 20)) for source in slow]
        await asyncio.sleep(60)
        asked = sum(bool(source.asked) for source in slow)
        for source in slow:
            source.open.set()
        await asyncio.gather(*running)
        return asked

    assert in_no_time(work()) == 8 + 32


def test_a_pass_that_is_broken_off_has_kept_what_came_of_a_slow_server() -> None:
    class Slow(Endless):
        async def objects(self, path: str, hrefs: Sequence[str]) -> AsyncIterator[CalendarObject | Missing]:
            for n in range(0, len(hrefs), 10):
                await asyncio.sleep(9)
                async for one in super().objects(path, hrefs[n : n + 10]):
                    yield one

    async def work() -> int:
        imports, source = await _imports(), Slow(ics("uid", START))
        source.open.set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await imports.of(source, BATCH)
        return sum(imports.nowhere.written)

    assert in_no_time(work()) >= 100 - 20


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
