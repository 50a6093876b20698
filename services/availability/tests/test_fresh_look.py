"""Whoever books may ask for a look at iCloud first: it is waited for, and never for long."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from services.availability.tests.booking_fakes import AskedWorkers
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    NOW,
    WORK,
    ago,
    completed,
    connected,
    imported,
    rejected,
    seconds,
    setup_changed,
    span,
)
from services.availability.tests.stories import ask, connections, events, syncs

from availability.application.fresh_look import NobodyToAsk
from availability.application.refusals import KnowledgeTooOld, SlotTaken
from availability.domain.freshness import State

TEN_MINUTES = timedelta(minutes=10)


def answering(stage: Stage, look: Callable[[], Awaitable[None]]) -> AskedWorkers:
    stage.workers = AskedWorkers(look)
    return stage.workers


async def test_knowledge_that_is_new_enough_needs_no_look(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(minutes=10)))

    booked = await stage.book(span(19, 20), max_age=TEN_MINUTES)

    assert stage.workers.asked == []
    assert booked.as_of == NOW - TEN_MINUTES


async def test_time_that_no_look_reaches_is_too_little_known_and_nobody_is_asked(stage: Stage) -> None:
    first, last = span(19, 20)
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(minutes=10), known=(first - 86_400, first + 60)))

    with pytest.raises(KnowledgeTooOld) as refused:
        await stage.book((first, last), max_age=TEN_MINUTES)
    booked = await stage.book((first, last))

    assert stage.workers.asked == []
    assert (refused.value.known.as_of, refused.value.known.state) == (None, State.IMPORTING)
    assert (booked.as_of, booked.state) == (None, State.IMPORTING)


async def test_what_a_look_finds_is_not_booked_over(stage: Stage) -> None:
    async def look() -> None:
        await events(stage.timeline, imported("event-1", span(19, 20)))
        await syncs(stage.timeline, completed(seconds(NOW), revision=2))

    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(minutes=11)))
    workers = answering(stage, look)

    with pytest.raises(SlotTaken):
        await stage.book(span(19, 20), max_age=TEN_MINUTES)
    booked = await stage.book(span(20, 21), max_age=TEN_MINUTES)

    assert workers.asked == [CONNECTION]
    assert booked.as_of == NOW


async def test_a_look_that_comes_in_another_process_is_seen(stage: Stage) -> None:
    coming: list[asyncio.Task[None]] = []

    async def elsewhere() -> None:
        await syncs(stage.timeline, completed(seconds(NOW), revision=2))

    async def look() -> None:
        coming.append(asyncio.create_task(elsewhere()))

    await connections(stage.timeline, connected())
    answering(stage, look)

    booked = await stage.book(span(19, 20), max_age=timedelta(0))

    assert booked.state is State.FRESH
    await asyncio.gather(*coming)


async def test_when_no_look_comes_in_time_nothing_is_booked_and_the_key_is_free_to_try_again(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(hours=1)))
    stage.patience = timedelta(milliseconds=50)

    with pytest.raises(KnowledgeTooOld) as refused:
        await stage.book(span(19, 20), key="k", max_age=TEN_MINUTES)
    nothing = await ask(stage.timeline)
    await syncs(stage.timeline, completed(seconds(NOW), revision=2))
    booked = await stage.book(span(19, 20), key="k", max_age=TEN_MINUTES)

    assert (refused.value.known.state, nothing.spans) == (State.STALE, ())
    assert refused.value.known.as_of == NOW - timedelta(hours=1)
    assert booked.as_of == NOW


async def test_nobody_waits_for_workers_that_cannot_be_reached(stage: Stage) -> None:
    async def look() -> None:
        raise NobodyToAsk

    await connections(stage.timeline, connected())
    answering(stage, look)

    with pytest.raises(KnowledgeTooOld):
        await stage.book(span(19, 20), max_age=TEN_MINUTES)


async def test_nobody_waits_for_a_publish_that_does_not_end(stage: Stage) -> None:
    async def look() -> None:
        await asyncio.Event().wait()

    await connections(stage.timeline, connected())
    answering(stage, look)
    stage.patience = timedelta(milliseconds=50)

    with pytest.raises(KnowledgeTooOld):
        await stage.book(span(19, 20), max_age=TEN_MINUTES)


async def test_nobody_is_asked_where_apple_does_not_let_us_in(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(hours=1), revision=1), rejected(revision=2))

    with pytest.raises(KnowledgeTooOld) as refused:
        await stage.book(span(19, 20), max_age=TEN_MINUTES)

    assert stage.workers.asked == []
    assert refused.value.known.state is State.NEEDS_RECONNECT


async def test_what_was_read_lately_is_new_enough_though_apple_has_refused_since(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(minutes=5), revision=1), rejected(revision=2))

    booked = await stage.book(span(19, 20), max_age=TEN_MINUTES)

    assert (booked.as_of, booked.state) == (NOW - timedelta(minutes=5), State.NEEDS_RECONNECT)
    assert stage.workers.asked == []


async def test_a_calendar_that_the_look_left_out_is_not_waited_for(stage: Stage) -> None:
    async def look() -> None:
        await syncs(stage.timeline, completed(seconds(NOW), {WORK: ago(hours=3)}, revision=2))

    await connections(stage.timeline, connected([HOME, WORK]))
    answering(stage, look)

    with pytest.raises(KnowledgeTooOld) as refused:
        await stage.book(span(19, 20), max_age=TEN_MINUTES)

    assert refused.value.known.as_of == NOW - timedelta(hours=3)


async def test_a_look_by_an_older_setup_is_not_enough(stage: Stage) -> None:
    async def look() -> None:
        await syncs(stage.timeline, completed(seconds(NOW), revision=2, setup=1))
        await syncs(stage.timeline, completed(seconds(NOW), revision=3, setup=2))

    await connections(stage.timeline, connected(), setup_changed([HOME, WORK], revision=2))
    await syncs(stage.timeline, completed(seconds(NOW), revision=1, setup=1))
    workers = answering(stage, look)

    booked = await stage.book(span(19, 20), max_age=TEN_MINUTES)

    assert workers.asked == [CONNECTION]
    assert booked.state is State.FRESH


@pytest.mark.parametrize("off", [timedelta(minutes=-1), timedelta(minutes=1)], ids=["behind", "ahead"])
async def test_ages_are_counted_by_the_clock_that_tells_them_whatever_ours_says(stage: Stage, off: timedelta) -> None:
    async def look() -> None:
        await syncs(stage.timeline, completed(seconds(NOW), revision=2))

    stage.clock.now = NOW + off
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(seconds=30)))
    workers = answering(stage, look)
    stage.patience = timedelta(seconds=1)

    enough = await stage.book(span(19, 20), max_age=timedelta(seconds=30))
    not_asked = list(workers.asked)
    looked = await stage.book(span(20, 21), max_age=timedelta(0))

    assert (enough.as_of, not_asked) == (NOW - timedelta(seconds=30), [])
    assert (looked.as_of, workers.asked) == (NOW, [CONNECTION])


async def test_a_look_that_began_before_it_was_asked_for_is_not_believed(stage: Stage) -> None:
    async def look() -> None:
        await syncs(stage.timeline, completed(ago(seconds=1), revision=2))

    stage.clock.now = NOW - timedelta(minutes=1)
    await connections(stage.timeline, connected())
    answering(stage, look)
    stage.patience = timedelta(seconds=1)

    with pytest.raises(KnowledgeTooOld) as refused:
        await stage.book(span(19, 20), max_age=timedelta(0))

    assert (refused.value.known.as_of, refused.value.known.state) == (NOW - timedelta(seconds=1), State.STALE)


async def test_a_user_without_a_connection_has_nothing_to_look_at(stage: Stage) -> None:
    booked = await stage.book(span(19, 20), max_age=timedelta(0))

    assert (booked.state, stage.workers.asked) == (State.NOT_CONNECTED, [])
