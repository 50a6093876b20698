"""One worker's way to the fleet's budget; and several workers' at once."""

import asyncio

import pytest

from icloud import HeldBack
from sync_worker.application.fleet import PATIENCE, Fleet
from worker_budget import FakeGrants, most_within
from worker_time import in_no_time, now


class AwayError(Exception):
    """What a store raises that cannot be reached."""


def test_requests_go_in_the_order_of_their_asking() -> None:
    went: list[int] = []

    async def work() -> None:
        fleet = Fleet(FakeGrants(2), 2)

        async def one(n: int) -> None:
            await fleet.take()
            went.append(n)

        await asyncio.gather(*(one(n) for n in range(20)))

    in_no_time(work())

    assert went == list(range(20))


def test_what_goes_stays_within_the_budget_however_many_want_to() -> None:
    went: list[float] = []

    async def work() -> None:
        fleet = Fleet(FakeGrants(10), 10)

        async def account() -> None:
            while now() < 1_060:
                await fleet.take()
                went.append(now())

        await asyncio.gather(*(account() for _ in range(200)))

    in_no_time(work())

    assert most_within(10, went) <= 110
    assert len(went) >= 0.9 * 10 * 60


def test_many_workers_together_stay_within_the_budget_and_each_gets_its_part() -> None:
    went: list[list[float]] = [[] for _ in range(8)]

    async def work() -> None:
        grants = FakeGrants(40)
        grants.takes = 0.03

        async def account(worker: int, fleet: Fleet) -> None:
            while now() < 1_060:
                await fleet.take()
                went[worker].append(now())

        workers = [Fleet(grants, 40) for _ in went]
        await asyncio.gather(*(account(n, fleet) for n, fleet in enumerate(workers) for _ in range(20)))

    in_no_time(work())

    everything = [at for worker in went for at in worker]
    assert most_within(10, everything) <= 440
    assert len(everything) >= 0.9 * 40 * 60
    assert min(map(len, went)) > len(everything) / 8 / 3


def test_the_store_is_asked_a_few_times_a_second_however_much_goes() -> None:
    grants = FakeGrants(500)
    went = 0

    async def work() -> None:
        nonlocal went
        fleet = Fleet(grants, 500)

        async def account() -> None:
            nonlocal went
            while now() < 1_030:
                await fleet.take()
                went += 1
                await asyncio.sleep(0.2)

        await asyncio.gather(*(account() for _ in range(50)))

    in_no_time(work())

    assert went > 200 * 30
    assert grants.draws <= 5 * 30 + 2


def test_one_request_now_and_then_draws_just_itself() -> None:
    grants = FakeGrants(50)

    async def work() -> None:
        fleet = Fleet(grants, 50)
        for _ in range(20):
            await fleet.take()
            await asyncio.sleep(3)

    in_no_time(work())

    assert (grants.draws, grants.granted) == (20, 20)


def test_whoever_waits_too_long_is_held_back_and_no_failure_of_apples() -> None:
    async def work() -> tuple[float, list[BaseException | None]]:
        fleet = Fleet(FakeGrants(1), 1)
        began = now()
        outcomes = await asyncio.gather(*(fleet.take() for _ in range(100)), return_exceptions=True)
        return now() - began, outcomes

    took, outcomes = in_no_time(work())

    held = [one for one in outcomes if one is not None]
    assert took == pytest.approx(PATIENCE)
    assert 28 <= len(outcomes) - len(held) <= 32
    assert all(isinstance(one, HeldBack) and one.reason == "budget" for one in held)


def test_while_the_store_is_away_nobody_goes() -> None:
    async def work() -> tuple[list[BaseException | None], BaseException | None]:
        grants = FakeGrants(50)
        fleet = Fleet(grants, 50)
        grants.away = AwayError()
        outcomes = await asyncio.gather(*(fleet.take() for _ in range(5)), return_exceptions=True)
        grants.away = None
        (after,) = await asyncio.gather(fleet.take(), return_exceptions=True)
        return outcomes, after

    outcomes, after = in_no_time(work())

    assert {type(one) for one in outcomes} == {AwayError}
    assert after is None


def test_whoever_gives_up_leaves_its_place_to_the_next() -> None:
    async def work() -> list[float]:
        fleet = Fleet(FakeGrants(1), 1)
        await fleet.take()
        waiting = [asyncio.create_task(fleet.take()) for _ in range(5)]
        await asyncio.sleep(0.1)
        for one in waiting[:4]:
            one.cancel()
        began = now()
        await waiting[4]
        return [now() - began]

    (took,) = in_no_time(work())

    assert took < 2


def test_a_slow_store_lets_one_at_a_time_go_and_keeps_the_rest_of_the_budget() -> None:
    grants = FakeGrants(50)
    grants.takes = 0.65

    async def work() -> None:
        fleet = Fleet(grants, 50)
        await asyncio.gather(*(fleet.take() for _ in range(10)))

    in_no_time(work())

    assert grants.granted < 20
