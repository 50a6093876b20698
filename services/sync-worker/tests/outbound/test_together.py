"""Many callers, one question."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from sync_worker.outbound.together import Together

LONG = 600.0
SOON = 0.01
WHO: ContextVar[str] = ContextVar("who", default="nobody")


class Store:
    """Answers with the question's square; minds no zero. `gate` is open unless a test closes it."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.heard = asyncio.Event()
        self.by: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.asked.append(numbers)
        self.heard.set()
        self.by.append(WHO.get())
        await self.gate.wait()
        if max(numbers) > 99:
            raise ConnectionError
        return [one * one if one else ZeroDivisionError("zero") for one in numbers]


async def test_what_is_asked_in_one_moment_is_asked_as_one_and_each_hears_its_own_answer() -> None:
    store = Store()
    together = Together(store, seconds=SOON, most=10)

    answers = await asyncio.gather(*(together(n) for n in (3, 1, 2, 3)))

    assert (answers, store.asked) == ([9, 1, 4, 9], [[3, 1, 2, 3]])


async def test_a_full_batch_does_not_wait() -> None:
    store = Store()
    together = Together(store, seconds=LONG, most=2)

    answers = await asyncio.wait_for(asyncio.gather(*(together(n) for n in (1, 2, 3, 4))), 30)

    assert (answers, store.asked) == ([1, 4, 9, 16], [[1, 2], [3, 4]])


async def test_what_comes_while_a_batch_is_under_way_goes_with_the_next() -> None:
    store = Store()
    store.gate.clear()
    together = Together(store, seconds=SOON, most=10)
    first = asyncio.create_task(together(1))
    await store.heard.wait()

    second = asyncio.create_task(together(2))
    store.gate.set()

    assert (await first, await second, store.asked) == (1, 4, [[1], [2]])


async def test_the_failure_of_one_is_nobody_elses() -> None:
    together = Together(Store(), seconds=SOON, most=10)

    answers = await asyncio.gather(*(together(n) for n in (1, 0, 2)), return_exceptions=True)

    assert (answers[0], answers[2]) == (1, 4)
    assert isinstance(answers[1], ZeroDivisionError)


async def test_when_the_store_fails_all_of_the_batch_hear_it_and_the_next_is_asked_anew() -> None:
    together = Together(Store(), seconds=SOON, most=10)

    answers = await asyncio.gather(*(together(n) for n in (1, 100)), return_exceptions=True)

    assert [type(one) for one in answers] == [ConnectionError, ConnectionError]
    assert await together(5) == 25


async def test_who_is_cancelled_leaves_when_its_question_has_been_asked_and_nobody_else_notices() -> None:
    store = Store()
    together = Together(store, seconds=SOON, most=10)
    stays, leaves = (asyncio.create_task(together(n)) for n in (2, 3))
    await asyncio.sleep(0)

    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves

    assert store.asked == [[2, 3]]
    assert await stays == 4


async def test_who_is_cancelled_again_and_again_waits_for_the_answer_all_the_same() -> None:
    store = Store()
    store.gate.clear()
    together = Together(store, seconds=SOON, most=10)
    alone = asyncio.create_task(together(2))
    await store.heard.wait()

    for _ in range(3):
        alone.cancel()
        await asyncio.sleep(0)
    waited = not alone.done()
    store.gate.set()
    await asyncio.wait([alone])

    assert waited
    assert alone.cancelled()


async def test_when_the_asking_itself_is_broken_off_so_are_all_who_wait_for_it() -> None:
    async def broken_off(_: Sequence[int]) -> Sequence[int | Exception]:
        raise asyncio.CancelledError

    together = Together(broken_off, seconds=SOON, most=10)

    waiting = [asyncio.create_task(together(n)) for n in (1, 2)]
    await asyncio.wait(waiting)

    assert all(one.cancelled() for one in waiting)


async def test_a_failure_that_nobody_waits_for_is_no_unheard_error() -> None:
    together = Together(Store(), seconds=SOON, most=10)
    alone = asyncio.create_task(together(100))
    await asyncio.sleep(0)

    alone.cancel()

    with pytest.raises(asyncio.CancelledError):
        await alone


async def test_a_batch_is_asked_in_nobodys_name() -> None:
    store = Store()
    together = Together(store, seconds=SOON, most=10)
    WHO.set("me")

    await together(1)

    assert store.by == ["nobody"]
