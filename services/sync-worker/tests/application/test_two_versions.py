"""A new way of reading reads everything again, but spread over the day, and two side by side leave each other alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.application import claim
from sync_worker.domain.occurrences import VERSION
from sync_worker.domain.outbox import Imported
from worker_drift import Drifted
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
DAY = timedelta(days=1)
OLD, NEW = VERSION, VERSION + 1
AS_THE_OTHER_READ_IT = "what no reading here gives"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> "Release":
    return Release(monkeypatch)


class Release:
    """Which version of us works."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, number: int) -> None:
        self._patch.setattr(claim, "VERSION", number)


async def kept(stage: Stage, href: str) -> Imported:
    claimed = await stage.claim()
    (state,) = (await stage.store.objects.newest(claimed, [stage.id_of(href)])).values()
    await stage.store.leases().release([claimed])
    assert isinstance(state, Imported)
    return state


async def mark(stage: Stage, href: str) -> None:
    """Keep what would be news to anybody who reads the text again."""
    state = await kept(stage, href)
    claimed = await stage.claim()
    await stage.store.objects.write(claimed, [replace(state, digest=AS_THE_OTHER_READ_IT)])
    await stage.store.objects.mark(claimed, {state.event_id: state.revision})
    await stage.store.leases().release([claimed])


async def test_what_an_older_version_read_waits_for_the_days_work_and_is_no_drift(
    stage: Stage, home: FakeCalendar, version: Release
) -> None:
    drifted = Drifted()
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
    await stage.follow(home)
    await stage.sync(2)
    await mark(stage, hrefs[0])
    stage.icloud.fetched_hrefs.clear()

    version(NEW)
    home.put("later", ics("uid-later", TUESDAY))
    await stage.sync(12)
    before = [*stage.icloud.fetched_hrefs]
    stage.now += DAY
    await stage.sync()
    within_the_day = [*stage.icloud.fetched_hrefs]
    stage.now += DAY
    await stage.sync(2)

    assert before == [f"{home.path}later.ics"]
    assert sorted(within_the_day) == sorted([*before, *hrefs])
    assert stage.icloud.fetched_hrefs == within_the_day
    assert (await kept(stage, hrefs[0])).digest != AS_THE_OTHER_READ_IT
    assert drifted() == {}


async def test_a_server_without_tokens_is_no_reason_to_hurry(
    stage: Stage, home: FakeCalendar, version: Release
) -> None:
    old = home.put("old", ics("uid-old", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    version(NEW)
    stage.icloud.fetched_hrefs.clear()

    home.log.append("touched")
    home.dead_before = len(home.log)
    await stage.sync(2)
    before = [*stage.icloud.fetched_hrefs]
    stage.now += DAY
    await stage.sync()

    assert (before, stage.icloud.fetched_hrefs) == ([], [old])


async def test_what_a_newer_version_read_is_left_alone(stage: Stage, home: FakeCalendar, version: Release) -> None:
    broken = home.put("broken", ics("uid-broken", TUESDAY, rrule="FREQ=SOMETIMES"))
    href = home.put("a", ics("uid-a", TUESDAY))
    version(NEW)
    await stage.follow(home)
    await stage.sync(2)
    await mark(stage, href)
    stage.icloud.fetched_hrefs.clear()

    version(OLD)
    await stage.sync(6)
    stage.now += DAY
    await stage.sync(2)
    untouched = [*stage.icloud.fetched_hrefs]
    home.put("a", home.texts[href][1])
    await stage.sync()

    assert broken not in untouched
    assert untouched == []
    state = await kept(stage, href)
    assert (state.digest, state.etag) == (AS_THE_OTHER_READ_IT, home.texts[href][0])


async def test_two_versions_in_turn_read_nothing_twice(stage: Stage, home: FakeCalendar, version: Release) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(2)]
    broken = home.put("broken", ics("uid-broken", TUESDAY, rrule="FREQ=SOMETIMES"))
    await stage.follow(home)
    await stage.sync()
    stage.icloud.fetched_hrefs.clear()

    for n in range(6):
        version(NEW if n % 2 else OLD)
        home.put(f"n{n}", ics(f"uid-n{n}", TUESDAY))
        await stage.sync(2)
    before = [*stage.icloud.fetched_hrefs]
    for n in range(4):
        stage.now += DAY
        version(NEW if n % 2 else OLD)
        await stage.sync()

    new = [f"{home.path}n{n}.ics" for n in range(6)]
    assert sorted(before) == sorted([*new, broken])
    assert sorted(stage.icloud.fetched_hrefs) == sorted([*before, *hrefs, new[0], new[2], new[4]])


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD)])
async def test_another_setup_takes_effect_at_once_whoever_read_before(
    stage: Stage, home: FakeCalendar, version: Release, before: int, after: int
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    version(before)
    await stage.follow(home, titles=True)
    await stage.sync()

    version(after)
    await stage.follow(home, titles=False)
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert event.title is None
