"""The same key gets the same answer, whatever happens in between."""

import asyncio
from datetime import timedelta

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import DAY, NOW, THEY, TODAY, span
from services.availability.tests.stories import ask

from availability.application.book import Wish
from availability.application.bookings import Desk, KeptAnswer, Key
from availability.application.refusals import KeyReused, SlotTaken
from availability.domain.appointments import Act, Agreed, announcement
from availability.domain.intervals import Window

WEEK = Window(TODAY, TODAY + 7 * DAY)


async def test_the_same_key_gets_the_same_answer(stage: Stage) -> None:
    first = await stage.book(span(9, 10), key="k")
    await stage.change(first, span(11, 12))

    again = await stage.book(span(9, 10), key="k")

    assert again == first
    assert (await ask(stage.timeline)).spans == (span(11, 12),)


async def test_a_refusal_is_given_again_even_when_the_time_is_free_by_now(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    with pytest.raises(SlotTaken):
        await stage.book(span(9, 11), key="k")
    await stage.cancel(booked)

    with pytest.raises(SlotTaken) as taken:
        await stage.book(span(9, 11), key="k")

    assert taken.value.taken == (span(9, 10),)


async def test_a_key_that_was_used_for_something_else_is_refused(stage: Stage) -> None:
    await stage.book(span(9, 10), key="k")

    with pytest.raises(KeyReused):
        await stage.book(span(9, 10), key="k", title="Couleur")
    with pytest.raises(KeyReused):
        await stage.book(span(11, 12), key="k")

    assert (await ask(stage.timeline)).spans == (span(9, 10),)


@pytest.mark.parametrize("taken", [False, True], ids=["booked", "refused"])
async def test_a_day_begins_with_the_answer_however_long_ago_the_key_came_first(stage: Stage, *, taken: bool) -> None:
    if taken:
        await stage.book(span(9, 10), key="another")
    wish = Wish(THEY, Agreed(span(9, 10), "Coupe"), "service:tests")
    await stage.bookings.take(Key("k", repr(wish)))
    stage.clock.now += timedelta(hours=23)
    first = await outcome(stage)
    stage.clock.now += timedelta(hours=23)

    assert await outcome(stage) == first


async def outcome(stage: Stage) -> object:
    try:
        return await stage.book(span(9, 10), key="k")
    except SlotTaken as refused:
        return refused.taken


async def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    await stage.book(span(9, 10), key="k")
    stage.clock.now += timedelta(hours=24)

    again = await stage.book(span(11, 12), key="k")

    assert again.appointment.agreed.span == span(11, 12)


async def test_many_requests_at_once_with_one_key_make_one_booking(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.book(span(9, 10), key="k") for _ in range(12)))

    assert all(answer == answers[0] for answer in answers)
    assert len(await stage.bookings.between(THEY, WEEK)) == 1


async def test_one_key_for_two_wishes_at_once_books_one_of_them(stage: Stage) -> None:
    wishes = [stage.book(span(hour, hour + 1), key="k") for hour in range(6)]

    answers = await asyncio.gather(*wishes, return_exceptions=True)

    assert sum(isinstance(answer, KeyReused) for answer in answers) == 5
    assert len(await stage.bookings.between(THEY, WEEK)) == 1


class Killed(Exception):
    """The process is gone."""


async def test_a_crash_before_the_commit_leaves_neither_booking_nor_key(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    moved = booked.appointment.with_agreed(Agreed(span(12, 13), "Coupe"), Act(NOW, None))

    async def dies(desk: Desk) -> None:
        desk.keep(moved, announcement(moved, None))
        desk.remember(Key("k", "w"), booked)
        raise Killed

    await stage.bookings.take(Key("k", "w"))
    with pytest.raises(Killed):
        await stage.bookings.alone(THEY, dies)

    assert await stage.bookings.take(Key("k", "w")) == KeptAnswer(Key("k", "w"), None)
    assert (await ask(stage.timeline)).spans == (span(9, 10),)


async def test_a_crash_between_write_and_reply_is_answered_by_the_repetition(stage: Stage) -> None:
    unheard = asyncio.create_task(stage.book(span(9, 10), key="k"))
    await asyncio.wait([unheard])  # its caller never hears of it

    heard = await stage.book(span(9, 10), key="k")

    assert heard == unheard.result()
    assert (await ask(stage.timeline)).spans == (span(9, 10),)
