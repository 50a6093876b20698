"""An event that moves to another calendar while the calendars are asked one after another."""

from collections.abc import Callable
from datetime import datetime

import pytest

from contracts.events import ICloudEventImported, ICloudEventRemoved
from icloud import Changes, ListedCalendar, NotUnderstood, calendar_id
from sync_worker.application.track_appointments import TrackAppointments
from sync_worker.domain.appointments import uid_of
from worker_appointments import booked
from worker_examples import ics
from worker_fakes import FakeCalendar, FakeICloud
from worker_stage import Stage

TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"


class EventfulICloud(FakeICloud):
    """Things happen just before a calendar tells its changes, or what it holds, once each."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, Callable[[], object]] = {}

    async def listing(self, path: str, start: datetime, end: datetime) -> dict[str, str]:
        self.before.pop(path, lambda: None)()
        return await super().listing(path, start, end)

    async def changes(self, path: str, token: str) -> Changes:
        self.before.pop(path, lambda: None)()
        return await super().changes(path, token)


@pytest.fixture
def icloud() -> EventfulICloud:
    return EventfulICloud()


@pytest.fixture
def stage(icloud: EventfulICloud) -> Stage:
    return Stage(icloud=icloud)


@pytest.fixture
def both(stage: Stage) -> list[FakeCalendar]:
    """In the order in which they are asked."""
    two = [stage.icloud.calendar(name) for name in ("home", "work")]
    return sorted(two, key=lambda one: calendar_id(stage.connection_id, one.path))


def moving(of: FakeCalendar, to: FakeCalendar) -> Callable[[], None]:
    def move() -> None:
        of.delete("x")
        to.put("x", ics("uid-x", TUESDAY))

    return move


async def begun(stage: Stage, both: list[FakeCalendar], first: int) -> tuple[FakeCalendar, FakeCalendar, str]:
    """Where an event lies in a calendar that something else has changed in, and another calendar; and its href."""
    of, to = both[first], both[1 - first]
    href = of.put("x", ics("uid-x", TUESDAY))
    to.put("old", ics("uid-old", FRIDAY))
    await stage.follow(of, to)
    await stage.sync()
    of.put("other", ics("uid-other", FRIDAY))
    return of, to, href


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("changed", [True, False])
async def test_what_moves_while_the_calendars_are_asked_never_leaves_its_time_open(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar], first: int, *, changed: bool
) -> None:
    of, to, old = await begun(stage, both, first)
    stage.events.said.clear()
    if changed:
        to.put("old", ics("uid-old", TUESDAY))
    icloud.before[of.path] = moving(of, to)

    await stage.sync()

    new = f"{to.path}x.ics"
    about = [one for one in stage.events.said if isinstance(one, ICloudEventImported | ICloudEventRemoved)]
    order = [one.event_id for one in about if one.event_id in {stage.id_of(old), stage.id_of(new)}]
    assert order == [stage.id_of(new), stage.id_of(old)]
    assert stage.events.completed()[-1].calendars == ()


async def test_what_came_while_others_were_asked_is_told_once(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar]
) -> None:
    of, to, _ = await begun(stage, both, 0)
    icloud.before[of.path] = moving(of, to)

    await stage.sync(3)

    assert stage.history(f"{to.path}x.ics") == [("ICloudEventImported", 1)]
    assert stage.heard(f"{to.path}old.ics") is not None


async def test_a_calendar_that_changes_all_the_time_keeps_no_removal_waiting(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar]
) -> None:
    of, to, old = await begun(stage, both, 0)
    of.delete("x")
    icloud.before[of.path] = lambda: to.put("news", ics("uid-news", FRIDAY))

    await stage.sync()

    assert stage.heard(old) is None


async def test_removals_wait_for_a_calendar_that_changed_meanwhile_and_cannot_be_read(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar]
) -> None:
    of, to, old = await begun(stage, both, 0)
    icloud.before[of.path] = moving(of, to)
    stage.icloud.troubles["changes", to.path] = NotUnderstood("odd")

    await stage.sync()
    during = stage.heard(old)
    stage.icloud.troubles.clear()
    await stage.sync()

    assert during is not None
    assert (stage.heard(old), stage.heard(f"{to.path}x.ics") is not None) == (None, True)


@pytest.mark.parametrize("also", [True, False])
async def test_what_comes_back_while_the_calendars_are_asked_stays(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar], *, also: bool
) -> None:
    of, to, old = await begun(stage, both, 0)
    moving(of, to)()
    if also:
        to.delete("old")
    icloud.before[to.path] = moving(to, of)

    await stage.sync()

    assert stage.heard(old) is not None
    assert [kind for kind, _ in stage.history(old)] == ["ICloudEventImported"]
    await stage.sync()
    assert (stage.heard(old) is not None, stage.heard(f"{to.path}x.ics")) == (True, None)


class ForgetfulICloud(EventfulICloud):
    """Something comes into a calendar each time another is asked, and then it cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.troubled: FakeCalendar | None = None
        self.times = 0

    async def changes(self, path: str, token: str) -> Changes:
        if self.troubled is not None and path == self.troubled.path:
            self.times += 1
            if self.times % 2 == 0:
                raise NotUnderstood("odd")
            found = await super().changes(path, token)
            self.troubled.put(f"more-{self.times}", ics(f"uid-more-{self.times}", FRIDAY))
            return found
        return await super().changes(path, token)


async def test_removals_wait_for_a_second_answer_no_longer_than_for_a_first() -> None:
    icloud = ForgetfulICloud()
    stage = Stage(icloud=icloud)
    two = [icloud.calendar(name) for name in ("home", "work")]
    of, to = sorted(two, key=lambda one: calendar_id(stage.connection_id, one.path))
    of, to, old = await begun(stage, [of, to], 0)
    of.delete("x")
    icloud.troubled = to

    held = []
    for number in range(6):
        to.put(f"news-{number}", ics(f"uid-news-{number}", FRIDAY))
        icloud.times = 0
        await stage.sync()
        held.append(stage.heard(old) is not None)

    assert held[0]
    assert not held[-1]


def and_back(of: FakeCalendar, to: FakeCalendar) -> Callable[[], None]:
    """It comes back with the ETag that it had."""
    href = f"{of.path}x.ics"
    was = of.texts[href]

    def move() -> None:
        moving(to, of)()
        of.texts[href] = was

    return move


@pytest.mark.parametrize("tokenless", [True, False])
async def test_what_comes_back_as_it_was_while_the_calendars_are_asked_stays(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar], *, tokenless: bool
) -> None:
    for one in both:
        one.tokenless = tokenless
    of, to, old = await begun(stage, both, 0)
    icloud.before[to.path] = and_back(of, to)
    moving(of, to)()

    await stage.sync()
    during = stage.heard(old)
    await stage.sync(2)

    assert during is not None
    assert stage.history(old) == [("ICloudEventImported", 1)]
    assert stage.events.completed()[-1].calendars == ()


class StrictICloud(EventfulICloud):
    """Of what was not there at a token it never says that it is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[tuple[str, str], set[str]] = {}

    async def calendars(self) -> list[ListedCalendar]:
        self._note()
        return await super().calendars()

    async def changes(self, path: str, token: str) -> Changes:
        found = await super().changes(path, token)
        self._note()
        return Changes(found.changed, found.removed & self.there[path, token], found.token)

    def _note(self) -> None:
        for one in self.list.values():
            self.there[one.path, one.token] = set(one.texts)


@pytest.mark.parametrize("as_it_was", [True, False])
async def test_what_came_back_and_went_again_goes_with_the_next_look(*, as_it_was: bool) -> None:
    icloud = StrictICloud()
    stage = Stage(icloud=icloud)
    two = [icloud.calendar(name) for name in ("home", "work")]
    of, to, old = await begun(stage, sorted(two, key=lambda one: calendar_id(stage.connection_id, one.path)), 0)
    icloud.before[to.path] = and_back(of, to) if as_it_was else moving(to, of)
    moving(of, to)()
    await stage.sync()
    during = stage.heard(old)

    of.delete("x")
    await stage.sync()

    assert during is not None
    assert stage.heard(old) is None


async def test_what_moves_on_while_is_read_on_never_leaves_its_time_open(
    stage: Stage, icloud: EventfulICloud, both: list[FakeCalendar]
) -> None:
    first, second, third = sorted(
        [*both, stage.icloud.calendar("other")], key=lambda one: calendar_id(stage.connection_id, one.path)
    )
    second.put("old", ics("uid-old", FRIDAY))
    old = third.put("x", ics("uid-x", TUESDAY))
    await stage.follow(first, second, third)
    await stage.sync()
    third.put("other", ics("uid-other", FRIDAY))

    def move() -> None:
        moving(third, second)()
        icloud.before[second.path] = moving(second, first)

    icloud.before[third.path] = move
    await stage.sync()

    assert (stage.heard(old), stage.heard(f"{second.path}x.ics")) == (None, None)
    assert stage.heard(f"{first.path}x.ics") is not None


@pytest.mark.parametrize(
    ("following", "name", "asked"),
    [
        pytest.param(2, "x", ["calendars", "changes", "calendars"], id="it may have moved"),
        pytest.param(1, "x", ["calendars", "changes"], id="there is nowhere to go"),
        pytest.param(2, "ours", ["calendars", "changes"], id="it is ours"),
        pytest.param(2, "moved", ["calendars", "changes", "calendars"], id="it is ours, at a time of its own"),
    ],
)
async def test_a_deletion_costs_one_more_request_where_the_event_may_have_moved(
    stage: Stage, both: list[FakeCalendar], following: int, name: str, asked: list[str]
) -> None:
    of = both[0]
    names = {"x": "x", "ours": uid_of("a1", of.path), "moved": uid_of("a2", of.path)}
    for kind, one in names.items():
        of.put(one, ics(one, FRIDAY if kind == "moved" else TUESDAY))
    for appointment in ("a1", "a2"):
        await TrackAppointments(stage.store.appointments, lambda: stage.now)(booked(appointment))
    both[1].put("old", ics("uid-old", FRIDAY))
    await stage.follow(*both[:following])
    await stage.sync()
    stage.icloud.asked.clear()

    of.delete(names[name])
    await stage.sync()

    assert [call for call, _ in stage.icloud.asked] == asked
