"""What a calendar waits for comes to an end, whatever a server shows or does not show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.events import CalendarState
from contracts.facts import ConflictCalendar, Setup
from icloud import ListedCalendar, NotUnderstood, calendar_id
from icloud.paths import told
from worker_examples import ics, moment
from worker_fakes import FakeCalendar, FakeICloud
from worker_stage import Stage

OLD, NEW, OTHER = "2027-03-02T10:00", "2027-03-10T10:00", "2027-03-12T10:00"
POLL, SECOND_LOOK = timedelta(minutes=5), timedelta(minutes=12)


class WithoutCtags(FakeICloud):
    """A server that never tells which of its calendars stayed as they were."""

    async def calendars(self) -> list[ListedCalendar]:
        return [replace(one, ctag=None) for one in await super().calendars()]


async def polled(stage: Stage, times: int, *, every: timedelta = POLL) -> None:
    for _ in range(times):
        stage.now += every
        await stage.sync()


def empty(calendar: FakeCalendar) -> None:
    calendar.log += calendar.texts
    calendar.texts.clear()


def states(stage: Stage) -> list[CalendarState]:
    return [one.state for one in stage.events.completed()[-1].calendars]


async def test_a_right_version_is_believed_even_if_an_older_one_had_been_kept() -> None:
    stage = Stage()
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    await stage.follow(home, work)
    await stage.sync()
    href = home.put("e", ics("uid-e", NEW))
    home.lagging.add(href)
    await polled(stage, 4)
    home.lagging.clear()
    home.outdated[href] = ('"old"', ics("uid-e", OLD))
    await polled(stage, 7)
    home.outdated.clear()
    before = stage.starts(href)
    stage.icloud.troubles["changes", home.path] = NotUnderstood("odd")
    home.put("y", ics("uid-y", OTHER))
    await polled(stage, 2)
    stage.icloud.troubles.clear()
    ids = [calendar_id(stage.connection_id, one.path) for one in (home, work)]

    await stage.follow(
        home, work, setup=Setup(conflict_calendars=tuple(ConflictCalendar(id=one) for one in ids), titles=True)
    )
    await polled(stage, 3)

    assert before == [moment(OLD)]
    assert stage.starts(href) == [moment(NEW)]


@pytest.mark.parametrize("icloud", [FakeICloud, WithoutCtags])
async def test_what_never_came_and_is_gone_keeps_no_removal_waiting(icloud: type[FakeICloud]) -> None:
    stage = Stage(icloud=icloud())
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    work.put("x", ics("uid-x", OTHER))
    for name in ("a", "b", "c"):
        home.put(name, ics(f"uid-{name}", OLD))
    await stage.follow(home, work)
    await stage.sync()
    home.lagging.add(home.put("a", ics("uid-a", NEW)))
    await polled(stage, 4)

    empty(home)
    home.lagging.clear()
    await polled(stage, 5, every=SECOND_LOOK)

    assert len(stage.events.topic()) == 1
    assert states(stage) == []


async def test_a_name_that_is_never_asked_keeps_no_removal_waiting() -> None:
    stage = Stage()
    home, work = stage.icloud.calendar("home"), stage.icloud.calendar("work")
    work.put("x", ics("uid-x", OTHER))
    home.put("a", ics("uid-a", OLD))
    odd = told(f"{home.path}what?.ics", base=home.path)
    home.texts[odd] = ('"odd"', ics("uid-odd", NEW))
    home.log.append(odd)
    await stage.follow(home, work)
    await stage.sync()
    known = len(stage.events.topic())

    empty(home)
    await polled(stage, 5, every=SECOND_LOOK)

    assert known == 3
    assert len(stage.events.topic()) == 1
    assert states(stage) == []
