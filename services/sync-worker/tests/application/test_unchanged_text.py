"""The text of a calendar object is read once: a new ETag on the same text is only noted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events import EventsQuarantined
from sync_worker.domain.outbox import Imported
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
NEVER_READ = "what no reading gives"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


async def kept(stage: Stage, href: str) -> Imported:
    claim = await stage.claim()
    state = (await stage.store.objects.newest(claim, [stage.id_of(href)]))[stage.id_of(href)]
    await stage.store.leases().release([claim])
    assert isinstance(state, Imported)
    return state


async def mark(stage: Stage, href: str) -> None:
    """Keep what would be news to anybody who reads the text again."""
    claim = await stage.claim()
    (state,) = (await stage.store.objects.newest(claim, [stage.id_of(href)])).values()
    assert isinstance(state, Imported)
    await stage.store.objects.write(claim, [replace(state, digest=NEVER_READ)])
    await stage.store.objects.mark(claim, {state.event_id: state.revision})
    await stage.store.leases().release([claim])


def touch(calendar: FakeCalendar, name: str, text: str | None = None) -> None:
    """The object again, under another ETag."""
    _, same = calendar.texts[f"{calendar.path}{name}.ics"]
    calendar.put(name, text or same)


async def test_a_new_etag_on_the_same_text_is_noted_and_the_text_is_not_read(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY, rrule="FREQ=WEEKLY"))
    await stage.follow(home)
    await stage.sync()
    await mark(stage, href)

    touch(home, "a")
    await stage.sync()

    state = await kept(stage, href)
    assert (state.digest, state.etag) == (NEVER_READ, home.texts[href][0])
    assert stage.history(href) == [("ICloudEventImported", 1)]


async def test_another_text_is_read(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    await mark(stage, href)

    touch(home, "a", ics("uid-a", TUESDAY, hours=2))
    await stage.sync()

    assert (await kept(stage, href)).digest != NEVER_READ


async def test_a_series_is_read_again_once_there_is_more_time_to_fill_and_a_single_event_is_not(
    stage: Stage, home: FakeCalendar
) -> None:
    series, single = home.put("s", ics("s", TUESDAY, rrule="FREQ=DAILY")), home.put("e", ics("e", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    before = len(stage.starts(series))
    await mark(stage, single)

    stage.now += timedelta(hours=16)
    touch(home, "s")
    touch(home, "e")
    await stage.sync()

    assert len(stage.starts(series)) == before + 1
    assert (await kept(stage, single)).digest == NEVER_READ


async def test_the_same_text_is_read_again_in_another_zone_and_with_titles(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY).replace("00Z", "00"))
    await stage.follow(home)
    await stage.sync()
    in_paris = stage.starts(href)

    await stage.follow(home, time_zone="Asia/Tokyo")
    await stage.sync()
    in_tokyo = stage.starts(href)
    await stage.follow(home, time_zone="Asia/Tokyo", titles=True)
    await stage.sync()

    event = stage.heard(href)
    assert [before - after for before, after in zip(in_paris, in_tokyo, strict=True)] == [8 * 3600]
    assert event is not None
    assert event.title is not None


async def test_what_could_not_be_read_is_not_tried_again_for_the_same_text(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY, rrule="FREQ=SOMETIMES"))
    await stage.follow(home)
    await stage.sync()
    await mark(stage, href)

    touch(home, "a")
    await stage.sync()

    state = await kept(stage, href)
    assert (state.digest, state.etag, state.quarantine is None) == (NEVER_READ, home.texts[href][0], False)
    assert len(stage.events.of(EventsQuarantined)) == 1


async def test_what_never_came_is_readable_when_it_comes_with_the_text_that_it_had(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.follow(home)
    await stage.sync()
    home.lagging.add(href)
    touch(home, "a")
    await stage.sync(4)
    lost = await kept(stage, href)

    home.lagging.clear()
    await stage.sync(6)

    assert lost.quarantine is not None
    assert (await kept(stage, href)).quarantine is None
