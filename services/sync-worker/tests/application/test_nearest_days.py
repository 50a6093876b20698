"""A calendar that is read for the first time: its nearest days are on Kafka before the rest of it is even listed."""

from datetime import timedelta

import pytest

from icloud import Unreachable, calendar_id
from worker_examples import NOW, ics
from worker_fakes import FakeCalendar
from worker_stage import Stage

AWAY = Unreachable("refused")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def home(stage: Stage) -> FakeCalendar:
    return stage.icloud.calendar("home")


def put(calendar: FakeCalendar, name: str, *, days: int) -> str:
    """An event so many days ahead."""
    start = (NOW + timedelta(days=days)).replace(tzinfo=None).isoformat()
    return calendar.put(name, ics(f"uid-{name}", start))


def breaks_after_fetching(stage: Stage, calendar: FakeCalendar) -> None:
    """No listing comes any more once objects were fetched."""
    stage.icloud.fetched = lambda: stage.icloud.troubles.update({("listing", calendar.path): AWAY})


async def test_a_pass_that_breaks_off_has_said_the_nearest_days_and_settled_nothing(
    stage: Stage, home: FakeCalendar
) -> None:
    soon, late = put(home, "soon", days=3), put(home, "late", days=200)
    breaks_after_fetching(stage, home)
    await stage.follow(home)

    await stage.sync()

    claim = await stage.claim()
    tracked = claim.calendars[calendar_id(stage.connection_id, home.path)]
    assert (stage.heard(soon) is not None, stage.heard(late)) == (True, None)
    assert (tracked.token, tracked.covered, claim.as_of) == (None, 0, None)


async def test_the_next_pass_goes_on_and_fetches_nothing_twice(stage: Stage, home: FakeCalendar) -> None:
    soon, late = put(home, "soon", days=3), put(home, "late", days=200)
    breaks_after_fetching(stage, home)
    await stage.follow(home)
    await stage.sync()
    stage.icloud.fetched = lambda: None
    stage.icloud.troubles.clear()

    await stage.sync()

    assert stage.icloud.fetched_hrefs == [soon, late]
    assert [stage.history(one) for one in (soon, late)] == [[("ICloudEventImported", 1)]] * 2


async def test_what_changes_or_goes_while_the_rest_is_read_is_read_again_or_removed(
    stage: Stage, home: FakeCalendar
) -> None:
    moves, goes = put(home, "moves", days=3), put(home, "goes", days=4)

    def meanwhile() -> None:
        stage.icloud.fetched = lambda: None
        put(home, "moves", days=5)
        home.delete("goes")

    stage.icloud.fetched = meanwhile
    await stage.follow(home)

    await stage.sync()

    assert stage.starts(moves) == [int((NOW + timedelta(days=5)).timestamp())]
    assert stage.heard(goes) is None


async def test_the_nearest_days_of_all_calendars_come_before_the_farther_ones_of_any(
    stage: Stage, home: FakeCalendar
) -> None:
    work = stage.icloud.calendar("work")
    hrefs = [put(one, f"{days}", days=days) for days in (3, 60, 300) for one in (home, work)]
    await stage.follow(home, work)

    await stage.sync()

    near, middle, far = ({stage.id_of(one) for one in hrefs[n : n + 2]} for n in (0, 2, 4))
    published = list(stage.events.topic())
    assert [set(published[n : n + 2]) for n in (0, 2, 4)] == [near, middle, far]


async def test_a_calendar_that_is_known_is_listed_as_a_whole(stage: Stage, home: FakeCalendar) -> None:
    put(home, "soon", days=3)
    await stage.follow(home)
    await stage.sync()
    home.dead_before = len(home.log) + 1
    put(home, "late", days=200)
    stage.icloud.asked.clear()

    await stage.sync()

    assert stage.icloud.asked.count(("listing", home.path)) == 1
