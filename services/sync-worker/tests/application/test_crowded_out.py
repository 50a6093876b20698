"""A connection has so much room for occurrences; what goes beyond is told as one span, and tried again."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from contracts.events import EventsQuarantined
from sync_worker.domain import room
from sync_worker.domain.outbox import CROWDED_OUT
from worker_crashes import Fate, survive
from worker_drift import Drifted
from worker_examples import ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
DAY = timedelta(days=1)
HOUR = 3600
BOMB = "FREQ=SECONDLY;INTERVAL=20;COUNT=5000"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for a hundred; for ninety when it is asked for again."""
    monkeypatch.setattr(room, "ROOM", 100)


def times(count: int) -> str:
    return f"FREQ=DAILY;COUNT={count}"


def put(home: FakeCalendar, name: str, count: int) -> str:
    return home.put(name, ics(f"uid-{name}", TUESDAY, rrule=times(count)))


def said(stage: Stage) -> dict[str, tuple[str, tuple[int, int] | None]]:
    """Reason and span of what cannot be read, by event id, as told last."""
    told = [one for one in stage.events.of(EventsQuarantined) if isinstance(one, EventsQuarantined)]
    return {each.event_id: (each.reason, each.span) for each in told[-1].objects} if told else {}


def crowded(stage: Stage, hrefs: Collection[str]) -> set[str]:
    """Those of them of which one span stands for several."""
    return {href for href in hrefs if stage.id_of(href) in said(stage)}


def occurrences(stage: Stage) -> int:
    """What a reader of the topic has to bear."""
    return sum(len(group.spans) for event in stage.events.topic().values() for group in event.occurrences)


async def test_bombs_of_two_hundred_bytes_are_few_to_bear_and_leave_room_for_the_rest(
    stage: Stage, home: FakeCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ROOM_FOR_LARGE", 20_000)
    bombs = [home.put(f"b{n:02}", ics(f"uid-{n}", TUESDAY, rrule=BOMB)) for n in range(7)]
    daily = put(home, "z-daily", 300)
    await stage.follow(home)

    await stage.sync()

    assert occurrences(stage) == 4 * 5_000 + 3 + 300
    assert crowded(stage, [*bombs, daily]) == set(bombs[-3:])


@pytest.mark.usefixtures("small")
async def test_what_goes_beyond_blocks_from_its_first_start_to_its_last_end_and_is_told(
    stage: Stage, home: FakeCalendar
) -> None:
    put(home, "a", 60)
    href = put(home, "b", 41)
    await stage.follow(home)

    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    ((start, end),) = (span for group in event.occurrences for span in group.spans)
    assert end - start == 40 * 24 * HOUR + HOUR
    assert said(stage) == {stage.id_of(href): (CROWDED_OUT, (start, start + HOUR))}


@pytest.mark.usefixtures("small")
async def test_single_events_need_no_room(stage: Stage, home: FakeCalendar) -> None:
    put(home, "a", 100)
    singles = [home.put(f"s{n}", ics(f"uid-{n}", TUESDAY)) for n in range(120)]
    await stage.follow(home)

    await stage.sync()

    assert crowded(stage, singles) == set()
    assert occurrences(stage) == 220


@pytest.mark.usefixtures("small")
async def test_room_is_counted_over_all_calendars_and_passes(stage: Stage, home: FakeCalendar) -> None:
    work = stage.icloud.calendar("work")
    first = put(home, "a", 60)
    await stage.follow(home, work)
    await stage.sync()

    second = put(work, "b", 60)
    await stage.sync()

    assert len(stage.starts(first)) == 60
    assert len(stage.starts(second)) == 1
    assert crowded(stage, [first, second]) == {second}


@pytest.mark.usefixtures("small")
async def test_what_has_room_keeps_it_unless_it_grows_beyond(stage: Stage, home: FakeCalendar) -> None:
    kept, grown = put(home, "a", 50), put(home, "b", 50)
    await stage.follow(home)
    await stage.sync()

    home.put("a", ics("uid-a", TUESDAY, hours=2, rrule=times(50)))
    put(home, "b", 51)
    await stage.sync()

    assert (len(stage.starts(kept)), len(stage.starts(grown))) == (50, 1)
    assert crowded(stage, [kept, grown]) == {grown}


@pytest.mark.usefixtures("small")
async def test_what_was_crowded_out_comes_in_with_the_days_work_once_something_is_deleted(
    stage: Stage, home: FakeCalendar
) -> None:
    drifted = Drifted()
    put(home, "a", 60)
    href = put(home, "b", 57)
    for n in range(3):
        home.put(f"s{n}", ics(f"uid-{n}", TUESDAY))
    await stage.follow(home)
    await stage.sync()

    home.delete("a")
    await stage.sync(2)
    before = len(stage.starts(href))
    stage.now += DAY
    await stage.sync()

    assert (before, len(stage.starts(href))) == (1, 57)
    assert said(stage) == {}
    assert drifted() == {}


@pytest.mark.usefixtures("small")
async def test_what_is_made_smaller_comes_in_at_once(stage: Stage, home: FakeCalendar) -> None:
    put(home, "a", 60)
    href = put(home, "b", 57)
    await stage.follow(home)
    await stage.sync()

    put(home, "b", 30)
    await stage.sync()

    assert len(stage.starts(href)) == 30
    assert said(stage) == {}


@pytest.mark.usefixtures("small")
async def test_what_has_no_room_is_not_asked_for_again_and_says_nothing_anew(stage: Stage, home: FakeCalendar) -> None:
    put(home, "a", 60)
    out, brim = put(home, "b", 57), put(home, "c", 31)
    await stage.follow(home)
    await stage.sync()
    stage.icloud.fetched_hrefs.clear()

    for _ in range(5):
        stage.now += DAY
        await stage.sync()

    assert crowded(stage, [out, brim]) == {out}
    assert stage.icloud.fetched_hrefs == []
    assert [len(stage.history(href)) for href in (out, brim)] == [1, 1]


@pytest.mark.usefixtures("small")
async def test_at_the_brim_nothing_takes_turns(stage: Stage, home: FakeCalendar) -> None:
    kept, restless, out = put(home, "a", 60), put(home, "b", 38), put(home, "c", 11)
    await stage.follow(home)
    await stage.sync()

    for n in range(6):
        # There would be room for all while it has 29, and for two of them otherwise.
        put(home, "b", 38 if n % 2 else 29)
        stage.now += DAY
        await stage.sync(2)

    assert crowded(stage, [kept, restless, out]) == {out}
    assert [stage.history(href) for href in (kept, out)] == [[("ICloudEventImported", 1)]] * 2


@pytest.mark.usefixtures("small")
async def test_the_nearest_days_have_the_room(stage: Stage, home: FakeCalendar) -> None:
    far = home.put("a-far", ics("uid-far", "2027-12-01T10:00", rrule=times(57)))
    near = put(home, "b-near", 57)
    await stage.follow(home)

    await stage.sync()

    assert crowded(stage, [near, far]) == {far}


@pytest.mark.usefixtures("small")
async def test_what_is_over_goes_though_it_had_no_room(stage: Stage, home: FakeCalendar) -> None:
    put(home, "a", 95)
    href = put(home, "b", 30)
    await stage.follow(home)
    await stage.sync()

    stage.now += 33 * DAY
    await stage.sync()

    assert stage.heard(href) is None
    assert said(stage) == {}


@pytest.mark.usefixtures("small")
async def test_whenever_a_pass_dies_the_same_are_crowded_out(home: FakeCalendar) -> None:
    texts = {name: ics(f"uid-{name}", TUESDAY, rrule=times(40)) for name in "abcd"}

    async def outs(at: int | None) -> tuple[set[str], int, int]:
        stage, fate = Stage(), Fate(at)
        mine = stage.icloud.calendar("home")
        hrefs = [mine.put(name, text) for name, text in texts.items()]
        await stage.follow(mine)
        await survive(stage, fate)
        return crowded(stage, hrefs), occurrences(stage), fate.moments

    out, sum_, moments = await outs(None)

    assert out == {f"{home.path}{name}.ics" for name in "cd"}
    for at in range(moments):
        assert (await outs(at))[:2] == (out, sum_)
