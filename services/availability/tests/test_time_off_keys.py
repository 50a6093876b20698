"""Time off that is sent again with its key is entered once."""

import asyncio
from datetime import timedelta

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import DAY, THEY, TODAY, span
from services.availability.tests.stories import ask

from availability.application.keys import as_booking, as_time_off
from availability.application.refusals import KeyReused
from availability.domain.users import User

WEEK = (TODAY, TODAY + 7 * DAY)


async def test_the_same_key_gets_the_same_answer(stage: Stage) -> None:
    first = await stage.take_off(span(9, 10), key="k", reason="Congé")

    again = await stage.take_off(span(9, 10), key="k", reason="Congé")

    assert again == first
    assert await stage.slots.of(THEY, WEEK) == [first]


async def test_without_a_key_each_request_is_a_wish_of_its_own(stage: Stage) -> None:
    first, second = [await stage.slots.add(THEY, span(9, 10), None) for _ in range(2)]

    assert {one.id for one in await stage.slots.of(THEY, WEEK)} == {first.id, second.id}


async def test_a_repetition_does_not_bring_back_what_was_deleted(stage: Stage) -> None:
    first = await stage.take_off(span(9, 10), key="k")
    await stage.slots.remove(THEY, first.id)

    again = await stage.take_off(span(9, 10), key="k")

    assert again == first
    assert (await ask(stage.timeline)).spans == ()


async def test_a_key_that_was_used_for_something_else_is_refused(stage: Stage) -> None:
    off = await stage.take_off(span(9, 10), key="k")
    booked = await stage.book(span(14, 15), key="b")

    for wish in (
        stage.take_off(span(9, 11), key="k"),
        stage.take_off(span(9, 10), key="k", reason="Congé"),
        stage.take_off(span(9, 10), key="k", user=User(THEY.account_id, "user-2")),
        stage.take_off(span(14, 15), key="b"),
        stage.book(span(11, 12), key="k"),
    ):
        with pytest.raises(KeyReused):
            await wish
    for misread in (lambda: as_booking(off), lambda: as_time_off(booked)):
        with pytest.raises(KeyReused):
            misread()

    assert (await ask(stage.timeline)).spans == (span(9, 10), span(14, 15))


async def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    first = await stage.take_off(span(9, 10), key="k")
    stage.clock.now += timedelta(hours=24)

    other = await stage.take_off(span(11, 12), key="k")

    assert await stage.slots.of(THEY, WEEK) == [first, other]


async def test_many_requests_at_once_with_one_key_enter_it_once(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.take_off(span(9, 10), key="k") for _ in range(12)))

    assert all(answer == answers[0] for answer in answers)
    assert await stage.slots.of(THEY, WEEK) == [answers[0]]
