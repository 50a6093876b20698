"""What comes after a booking never undoes it; but it is told."""

import asyncio
from collections.abc import Collection
from typing import cast

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    NOW,
    THEY,
    WORK,
    at,
    connected,
    disconnected,
    imported,
    removed,
    setup_changed,
    span,
    tombstone,
)
from services.availability.tests.stories import ask, connections, events

from availability.application.timeline import AskLater, Timeline
from availability.domain.appointments import News, announcement
from availability.domain.changes import EventChange


async def test_an_event_that_comes_later_is_told_and_leaves_the_appointment_alone(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = await stage.book(span(19, 20))
    await stage.publish()
    await events(stage.timeline, imported("event-1", span(19.5, 21)))

    assert await stage.check() == 1
    told = await stage.publish()
    shown = await stage.look_at(booked)

    assert [(one.news, one.revision, one.conflicts) for one in told] == [(News.IN_CONFLICT, 2, (span(19.5, 20),))]
    assert told[0].connection_id == CONNECTION
    assert shown.appointment.conflicts == (span(19.5, 20),)
    assert shown.appointment.agreed == booked.appointment.agreed
    assert (await ask(stage.timeline)).spans == (span(19, 21),)


async def test_a_conflict_is_told_once_for_each_set_and_once_when_it_is_over(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await stage.book(span(19, 20))
    news = []
    for event in (
        imported("event-1", span(19, 19.5), revision=1),
        imported("event-1", span(18, 19.5), revision=2),
        imported("event-2", span(19, 19.25)),
        imported("event-3", span(19.75, 22)),
        removed("event-3", revision=2),
        removed("event-1", revision=3),
        removed("event-2", revision=2),
        imported("elsewhen", span(1, 2, day=3)),
    ):
        await events(stage.timeline, event)
        news.append(await stage.check())

    told = [one.conflicts for one in await stage.publish() if one.news is not News.BOOKED]

    assert news == [1, 0, 0, 1, 1, 1, 1, 0]
    assert told == [
        (span(19, 19.5),),
        (span(19, 19.5), span(19.75, 20)),
        (span(19, 19.5),),
        (span(19, 19.25),),
        (),
    ]


async def test_time_off_over_an_appointment_is_a_conflict(stage: Stage) -> None:
    booked = await stage.book(span(19, 20))
    slot = await stage.slots.add(THEY, span(0, 24), None)
    began = await stage.check()
    shown = await stage.look_at(booked)
    await stage.slots.remove(THEY, slot.id)

    ended = await stage.check()

    assert (began, ended) == (1, 1)
    assert shown.appointment.conflicts == (span(19, 20),)
    assert (await stage.look_at(booked)).appointment.conflicts == ()


async def test_a_change_of_setup_begins_conflicts_and_a_disconnect_ends_them(stage: Stage) -> None:
    await connections(stage.timeline, connected([HOME]))
    await events(stage.timeline, imported("event-1", span(19, 20), calendar=WORK))
    await stage.book(span(19, 20))
    news = [await stage.check()]

    await connections(stage.timeline, setup_changed([HOME, WORK], revision=2))
    news.append(await stage.check())
    await connections(stage.timeline, disconnected(revision=3))
    news.append(await stage.check())

    assert news == [0, 1, 1]


async def test_what_a_tombstone_alone_ends_is_no_conflict_any_more(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = [await stage.book(span(19, 20)), await stage.book(span(20, 21))]
    await events(stage.timeline, imported("event-1", span(19, 20)), imported("event-2", span(20, 21)))
    news = [await stage.check()]

    await events(stage.timeline, tombstone("event-1", revision=2))
    news.append(await stage.check())
    await connections(stage.timeline, tombstone(CONNECTION, revision=2))
    news.append(await stage.check())

    assert news == [2, 1, 1]
    assert [(await stage.look_at(one)).appointment.conflicts for one in booked] == [(), ()]


class DiesAfter:
    """A timeline that does what it is told, and then dies; the news come again."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def __getattr__(self, name: str) -> object:
        return getattr(self._timeline, name)

    async def put_events(self, changes: Collection[EventChange]) -> None:
        await self._timeline.put_events(changes)
        raise AskLater


async def test_what_a_tombstone_ends_is_seen_though_its_writer_dies(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = await stage.book(span(19, 20))
    await events(stage.timeline, imported("event-1", span(19, 20)))
    await stage.check()

    with pytest.raises(AskLater):
        await events(cast("Timeline", DiesAfter(stage.timeline)), tombstone("event-1", revision=2))
    await events(stage.timeline, tombstone("event-1", revision=2))

    assert await stage.check() == 1
    assert (await stage.look_at(booked)).appointment.conflicts == ()


async def test_moving_out_of_a_conflict_ends_it(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = await stage.book(span(19, 20))
    await events(stage.timeline, imported("event-1", span(19, 20)))
    await stage.check()
    in_conflict = await stage.look_at(booked)

    await stage.change(in_conflict, span(21, 22))
    ended = await stage.check()

    what = [line.what for line in (await stage.look_at(booked)).appointment.history]
    assert ended == 1
    assert what == [News.BOOKED, News.IN_CONFLICT, News.RESCHEDULED, News.CONFLICT_OVER]


async def test_what_is_over_is_not_looked_at_any_more(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await stage.book(span(9, 10))
    await events(stage.timeline, imported("event-1", span(9, 10)))

    news = await stage.check()  # at noon

    assert news == 0


async def test_appointments_of_many_months_are_each_held_against_their_own_time(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = [await stage.book(span(9, 10, day=day)) for day in (1, 2, 40, 41, 200)]
    await events(stage.timeline, imported("event-1", *(span(9.5, 12, day=day) for day in (2, 41, 200, 300))))

    news = await stage.check()

    found = [(await stage.look_at(one)).appointment.conflicts for one in booked]
    assert news == 3
    assert found == [(), (span(9.5, 10, day=2),), (), (span(9.5, 10, day=41),), (span(9.5, 10, day=200),)]


async def test_users_without_bookings_are_not_looked_at(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await events(stage.timeline, imported("event-1", span(19, 20)))

    assert await stage.unchecked() == []


async def test_what_was_found_does_not_count_when_something_changed_meanwhile(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    booked = await stage.book(span(19, 20))
    (user,) = await stage.unchecked()
    number = await stage.conflicts.settled(user)
    await events(stage.timeline, imported("event-1", span(19, 20)))
    seen = booked.appointment.in_conflict((span(19, 19.5),), NOW)

    settled = await stage.conflicts.settle(user, number, [(seen, announcement(seen, None))])

    assert settled is None
    assert not await stage.conflicts.check(user, number)
    assert await stage.check() == 1
    assert (await stage.look_at(booked)).appointment.conflicts == (span(19, 20),)


async def test_of_an_event_and_a_booking_at_one_moment_the_later_sees_the_other(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    nine = at(19)

    for lap in range(10):
        time = (nine + lap * 60, nine + lap * 60 + 60)
        await asyncio.gather(
            stage.book(time),
            events(stage.timeline, imported(f"event-{lap}", time)),
            stage.check(),
            return_exceptions=True,
        )
    while await stage.unchecked():
        await stage.check()

    for appointment in await stage.conflicts.ahead(THEY, 0):
        assert appointment.conflicts == (appointment.span,)
