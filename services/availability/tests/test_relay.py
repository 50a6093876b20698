import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect

from availability.domain.users import User
from availability.inbound.relay import Bell, Relay, UserByUser

HOUR = timedelta(hours=1)


class Work:
    """Counts how often it was done; fails the first time."""

    def __init__(self) -> None:
        self.times = 0
        self.done = asyncio.Semaphore(0)

    async def __call__(self) -> int:
        self.times += 1
        self.done.release()
        if self.times == 1:
            raise ConnectionError
        return 1


async def test_a_ring_is_heard_at_once_and_a_failure_ends_nothing() -> None:
    work, bell = Work(), Bell()
    relay = asyncio.create_task(Relay("tests", work, bell, every=HOUR).run())

    async with asyncio.timeout(30):
        await work.done.acquire()
        for _ in range(3):
            bell.ring()
            await work.done.acquire()
    relay.cancel()
    await asyncio.wait([relay])

    assert work.times == 4


async def test_without_a_ring_it_sweeps() -> None:
    work = Work()
    relay = asyncio.create_task(Relay("tests", work, Bell(), every=timedelta(milliseconds=1)).run())

    async with asyncio.timeout(30):
        for _ in range(3):
            await work.done.acquire()
    relay.cancel()
    await asyncio.wait([relay])

    assert work.times >= 3


USERS = [User("acc-1", name) for name in ("first", "second", "third")]


async def waiting() -> AsyncIterator[User]:
    for user in USERS:
        yield user


def failing(error: Exception, done: list[User], *, whose: Collection[User] = USERS[1:2]) -> UserByUser:
    """Two things are done for each user but these."""

    async def work(user: User) -> int:
        if user in whose:
            raise error
        done.append(user)
        return 2

    return UserByUser("tests", waiting, work)


async def test_what_fails_for_one_user_holds_up_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[User] = []

    count = await failing(ValueError(), done)()

    assert (count, done) == (4, [USERS[0], USERS[2]])
    told = capsys.readouterr().out
    assert "user_passed_over" in told
    assert "acc-1" in told


async def test_without_the_store_nobody_is_tried_any_more() -> None:
    done: list[User] = []

    with pytest.raises(AutoReconnect):
        await failing(AutoReconnect(), done, whose=USERS[:2])()

    assert done == []


async def test_one_whose_calendars_take_too_long_to_read_holds_up_nobody_else() -> None:
    done: list[User] = []

    with pytest.raises(AutoReconnect):
        await failing(AutoReconnect(), done)()

    assert done == [USERS[0], USERS[2]]
