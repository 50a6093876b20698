"""A home that shows just what it showed is not even read, unless something else is due; and nobody can tell."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.events import CalendarsChanged
from contracts.facts import Access, ConflictCalendar, Setup
from icloud import ListedCalendar, TryLater, calendar_id
from sync_worker.application.claim import Claim
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Wish, hold
from sync_worker.domain.home_calendars import HomeTold
from worker_appointments import Desk, booked
from worker_examples import ics
from worker_fakes import FakeICloud, FakeListing
from worker_stage import Stage

POLL = timedelta(minutes=5)
Story = Callable[[Stage], Awaitable[None]]


class CountedListing(FakeListing):
    """Tells its home when it is read."""

    def __init__(self, listed: list[ListedCalendar], home: "CountingICloud") -> None:
        super().__init__(listed)
        self._home = home

    def calendars(self) -> list[ListedCalendar]:
        self._home.reads += 1
        return super().calendars()


class CountingICloud(FakeICloud):
    """Counts how often its listings are read."""

    reads = 0

    async def home_listing(self) -> FakeListing:
        return CountedListing(await self.calendars(), self)

    @property
    def read(self) -> int:
        reads, self.reads = self.reads, 0
        return reads


def icloud_of(stage: Stage) -> CountingICloud:
    assert isinstance(stage.icloud, CountingICloud)
    return stage.icloud


async def quiet(*, titles: bool = False) -> Stage:
    """A user of whose two calendars one counts; the last pass saw what the one before it had read."""
    stage = Stage(icloud=CountingICloud())
    home, _ = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    home.put("a", ics("uid-a", "2027-06-01T10:00"))
    ids = (ConflictCalendar(id=calendar_id(stage.connection_id, home.path)),)
    await stage.follow(home, setup=Setup(conflict_calendars=ids, titles=titles))
    await polled(stage, 3)
    assert icloud_of(stage).read
    await polled(stage)
    assert not icloud_of(stage).read
    return stage


async def polled(stage: Stage, times: int = 1) -> None:
    for _ in range(times):
        await stage.worker()(await stage.claim())
        stage.now += POLL


async def a_change(stage: Stage) -> None:
    stage.icloud.calendar("home").put("b", ics("uid-b", "2027-06-02T10:00"))


async def another_name(stage: Stage) -> None:
    stage.icloud.calendar("work").name = "Werk"


async def another_calendar(stage: Stage) -> None:
    stage.icloud.calendar("family")


async def one_less(stage: Stage) -> None:
    stage.icloud.hidden.add(stage.icloud.calendar("work").path)


async def another_choice(stage: Stage) -> None:
    await stage.follow(stage.icloud.calendar("work"))


async def another_zone(stage: Stage) -> None:
    await stage.follow(stage.icloud.calendar("home"), time_zone="Asia/Tokyo")


async def another_word_of_the_connector(stage: Stage) -> None:
    claim = await stage.claim()
    await stage.store.passes.told(claim, HomeTold("other", claim.home_told.ids))
    await stage.store.leases().release([claim])


async def a_hold(stage: Stage) -> None:
    claim = await stage.claim()
    ((one, tracked),) = claim.calendars.items()
    held = hold(Doubt.EMPTIED, known=1, missing=1, now=stage.now)
    await stage.store.passes.remember(claim, one, replace(tracked, hold=held))
    await stage.store.leases().release([claim])


async def the_days_moment(stage: Stage) -> None:
    stage.now += timedelta(days=1)


async def two_more_passes(stage: Stage) -> None:
    """The next one is the sixth since then."""
    await polled(stage, 2)
    assert not icloud_of(stage).read


async def past_the_sixth_pass(stage: Stage) -> None:
    await polled(stage, 4)
    assert icloud_of(stage).read == 1


@pytest.mark.parametrize(
    "story",
    [
        *(a_change, another_name, another_calendar, one_less, another_choice, another_zone),
        *(another_word_of_the_connector, a_hold, the_days_moment, two_more_passes),
    ],
)
async def test_whatever_may_call_for_something_has_the_home_read(story: Story) -> None:
    stage = await quiet()
    await story(stage)

    await polled(stage)

    assert icloud_of(stage).read


async def test_a_pass_that_reads_nothing_says_what_one_that_reads_does() -> None:
    stage = await quiet()

    await stage.worker()(replace(await stage.claim(), showed=""))
    await stage.worker()(await stage.claim())

    read, unread = stage.events.completed()[-2:]
    assert icloud_of(stage).read == 1
    assert unread == read.model_copy(update={"revision": unread.revision})


async def test_what_was_told_of_a_change_once_is_seen_again_when_the_home_goes_back_to_what_it_showed() -> None:
    stage = await quiet()
    home = stage.icloud.calendar("home")
    before = list(home.log)
    await a_change(stage)
    await polled(stage)
    home.log[:] = before
    stage.icloud.asked.clear()

    await polled(stage)

    assert icloud_of(stage).read
    assert ("changes", home.path) in stage.icloud.asked


async def test_an_appointment_is_written_into_a_home_that_shows_what_it_showed() -> None:
    stage = Stage(icloud=CountingICloud())
    desk = Desk(stage)
    await desk.open()
    await polled(stage, 2)
    icloud_of(stage).reads = 0
    await polled(stage)
    idle = icloud_of(stage).read

    await desk.say(booked("a" * 32))

    assert idle == 0
    assert desk.told() == [("exported", 1)]
    assert (await stage.claim()).exports.access is Access.FULL


@pytest.mark.parametrize(
    "due",
    [
        lambda _: {"as_of": None},
        lambda claim: {"wishes": dict.fromkeys(claim.calendars, Wish.CONFIRM)},
        lambda claim: {"exports": replace(claim.exports, reviewed=0)},
        lambda claim: {"activity": replace(claim.activity, next_appointment_at=claim.claimed_at)},
        lambda claim: {"calendars": {**claim.calendars, "left": next(iter(claim.calendars.values()))}},
    ],
    ids=["a first import", "a wish", "another setup", "an appointment that begins", "a calendar to be left"],
)
async def test_what_is_due_by_itself_has_the_home_read(due: Callable[[Claim], dict[str, Any]]) -> None:
    stage = await quiet()
    claim = await stage.claim()

    await stage.worker()(replace(claim, **due(claim)))

    assert icloud_of(stage).read


async def test_a_home_that_lacks_a_calendar_is_read_until_that_is_told() -> None:
    stage = await quiet()
    await past_the_sixth_pass(stage)
    await one_less(stage)

    await polled(stage, 3)

    assert icloud_of(stage).read == 3
    assert [len(one.calendars) for one in stage.events.of(CalendarsChanged) if isinstance(one, CalendarsChanged)] == [1]


async def test_a_home_whose_calendar_is_back_is_read_so_that_it_is_missed_no_more() -> None:
    stage = await quiet()
    await past_the_sixth_pass(stage)
    await one_less(stage)
    await polled(stage)
    stage.icloud.hidden.clear()

    await polled(stage)

    assert icloud_of(stage).read == 2
    assert not (await stage.claim()).home_told.missed


async def test_a_home_that_cannot_be_read_leaves_nothing_to_be_recognised() -> None:
    stage = await quiet()
    await another_name(stage)
    stage.icloud.troubles["calendars", ""] = TryLater(None, "incomplete_listing")
    await polled(stage)
    stage.icloud.troubles.clear()

    await polled(stage)

    assert icloud_of(stage).read


async def test_titles_that_are_to_leave_no_more_are_taken_back_though_the_home_shows_what_it_showed() -> None:
    stage = await quiet(titles=True)

    await stage.follow(stage.icloud.calendar("home"))
    await polled(stage)

    assert {event.title for event in stage.events.topic().values()} == {None}
