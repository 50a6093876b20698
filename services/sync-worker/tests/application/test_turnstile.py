"""What one request passes before it goes out, and what the next ones do after it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from icloud import Errand, Fate, HeldBack, Outcome, RequestClass, TryLater, Unreachable
from sync_worker.application.allowance import CREDIT, Allowance
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.application.fleet import Fleet
from sync_worker.application.turnstile import Gatehouse, verdict
from sync_worker.domain.breaker import FIRST_WAIT, Verdict
from sync_worker.domain.hosts import Hosts
from worker_budget import FakeGrants, FakeShares, most_within
from worker_rows import _unknown
from worker_time import in_no_time, now

PARTITION = Errand("https://p42-caldav.icloud.com:443", entry=False, kind=RequestClass.HOME)
ENTRY = Errand("https://caldav.icloud.com:443", entry=True, kind=RequestClass.ENTRY)
OK, LOST = Outcome(Fate.ANSWERED, 207), Outcome(Fate.LOST)


class House:
    """A gatehouse over fakes."""

    def __init__(self, per_second: int = 100, per_minute: int = 30) -> None:
        self.grants = FakeGrants(per_second)
        self.shares = FakeShares(per_minute)
        self.gatehouse = Gatehouse(Fleet(self.grants, per_second), self.shares, Hosts(per_second, lambda: 0.0))

    def claim(self, one: str = "one", left: float | None = 30) -> Claim:
        return replace(_unknown(one), allowance=Allowance(left))

    async def ask(self, claim: Claim, outcome: Outcome = OK, errand: Errand = PARTITION) -> float:
        """One request; when it went."""
        turnstile = self.gatehouse.of(claim)
        await turnstile.admit(errand)
        went = now()
        turnstile.left(errand, outcome)
        return went

    async def fail(self, accounts: int = 10) -> None:
        for n in range(accounts):
            await self.ask(self.claim(f"account-{n}"), LOST)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (OK, Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 401), Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 403), Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 404), Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 412), Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 507), Verdict.GOOD),
        (Outcome(Fate.ANSWERED, 500), Verdict.BAD),
        (Outcome(Fate.ANSWERED, 502), Verdict.BAD),
        (Outcome(Fate.ANSWERED, 503), Verdict.BAD),
        (Outcome(Fate.ANSWERED, 503, timedelta(minutes=5)), Verdict.BUSY),
        (Outcome(Fate.ANSWERED, 429), Verdict.BUSY),
        (LOST, Verdict.BAD),
        (Outcome(Fate.LOST, 207), Verdict.BAD),
        (Outcome(Fate.ABANDONED, 207), Verdict.NOTHING),
        (Outcome(Fate.ABANDONED), Verdict.NOTHING),
    ],
    ids=str,
)
def test_only_what_a_host_does_wrong_itself_speaks_against_it(outcome: Outcome, said: Verdict) -> None:
    assert verdict(outcome) is said


def test_an_idle_poll_asks_the_accounts_bucket_nothing() -> None:
    async def work() -> tuple[int, int]:
        house = House()
        claim = house.claim()
        await house.ask(claim)
        return house.shares.draws, claim.allowance.owed

    assert in_no_time(work()) == (0, 1)


def test_a_first_import_that_needs_more_waits_and_goes_on() -> None:
    async def work() -> list[float]:
        house = House()
        claim = house.claim(left=None)
        return [await house.ask(claim) for _ in range(90)]

    went = in_no_time(work())

    assert went[29] - went[0] < 1
    assert went[-1] - went[0] == pytest.approx(60 * 2, abs=2.5)
    assert most_within(60, went) <= 60
    assert most_within(60, went[31:]) <= 31


def test_an_account_that_waits_for_its_own_share_keeps_no_other_from_going() -> None:
    async def work() -> tuple[float, float]:
        house = House(per_second=10, per_minute=6)
        busy = [house.claim(f"busy-{n}", left=None) for n in range(20)]

        async def work_on(claim: Claim) -> None:
            for _ in range(12):
                await house.ask(claim)

        working = [asyncio.create_task(work_on(claim)) for claim in busy]
        await asyncio.sleep(45)
        began = now()
        went = await house.ask(house.claim("idle"))
        for one in working:
            one.cancel()
        return began, went

    began, went = in_no_time(work())

    assert went - began < 2


def test_another_worker_goes_on_where_the_last_one_stopped() -> None:
    async def work() -> list[float]:
        first, second = House(), House()
        second.shares = second.gatehouse._shares = first.shares
        claim = first.claim(left=None)
        went = [await first.ask(claim) for _ in range(30)]
        first.shares.end(claim)
        taken_over = second.claim(left=0.0)
        return went + [await second.ask(taken_over) for _ in range(30)]

    went = in_no_time(work())

    assert [later - earlier for earlier, later in pairwise(went[30:])] == pytest.approx([2.0] * 29, abs=0.3)


def test_a_pass_that_dies_unsettled_costs_the_budget_no_more_than_its_credit() -> None:
    async def work() -> int:
        house = House()
        went = 0
        for _ in range(3):
            # Each of these workers dies before its pass ends; nothing is given back.
            claim = house.claim(left=30)
            began = now()
            while now() - began < 1:
                await house.ask(claim)
                went += 1
        return went

    went = in_no_time(work())

    assert went <= 30 + 3 * CREDIT + 3


def test_what_was_drawn_and_not_used_is_given_back_with_the_passes_end() -> None:
    async def work() -> int:
        house = House()
        claim = house.claim(left=None)
        for _ in range(CREDIT):
            await house.ask(claim)
        house.shares.end(claim)
        again = house.claim(left=None)
        return sum([(await house.ask(again)) < 1_001.5 for _ in range(30)])

    assert in_no_time(work()) == 30 - CREDIT


def test_a_pass_that_has_lost_its_lease_draws_nothing() -> None:
    async def work() -> None:
        house = House()
        house.shares.lost.add("one")
        await house.ask(house.claim(left=0.0))

    with pytest.raises(LeaseLost):
        in_no_time(work())


def test_an_open_breaker_refuses_at_once_and_costs_no_budget() -> None:
    async def work() -> tuple[HeldBack, float, int]:
        house = House()
        await house.fail()
        before, granted = now(), house.grants.granted
        with pytest.raises(HeldBack) as held:
            await house.ask(house.claim("another"))
        return held.value, now() - before, house.grants.granted - granted

    held, took, granted = in_no_time(work())

    assert (held.reason, took, granted) == ("breaker", 0, 0)
    assert held.after == timedelta(seconds=FIRST_WAIT)


def test_an_account_of_a_host_that_stays_away_is_sent_to_the_entry_host_once_a_pass() -> None:
    async def work() -> list[type[Exception]]:
        house = House()
        await house.fail()
        await asyncio.sleep(FIRST_WAIT)
        await house.ask(house.claim("probe"), LOST)
        await asyncio.sleep(300 - FIRST_WAIT)
        await house.ask(house.claim("probe"), LOST)
        turnstile = house.gatehouse.of(house.claim("moved"))
        seen: list[type[Exception]] = []
        for errand in (PARTITION, ENTRY, PARTITION):
            try:
                await turnstile.admit(errand)
                turnstile.left(errand, OK)
            except TryLater as held:
                seen.append(type(held))
        return seen

    assert in_no_time(work()) == [Unreachable, HeldBack]


def test_whoever_looks_sees_a_host_left_alone_until_it_is_back_or_nobody_has_asked_it_for_an_hour() -> None:
    def told() -> float | None:
        return REGISTRY.get_sample_value("calsync_icloud_hosts_left_alone", {"host": "partition"})

    async def work() -> list[float | None]:
        house = House()
        await house.fail()
        seen = [told()]
        await asyncio.sleep(FIRST_WAIT)
        await house.ask(house.claim("probe"))
        seen.append(told())
        await house.fail()
        seen.append(told())
        await asyncio.sleep(3_601)
        return [*seen, told()]

    assert in_no_time(work()) == [1, 0, 1, 0]


def test_a_broken_off_probe_makes_room_for_the_next() -> None:
    async def work() -> None:
        house = House()
        await house.fail()
        await asyncio.sleep(FIRST_WAIT)
        await house.ask(house.claim("first"), Outcome(Fate.ABANDONED))
        await house.ask(house.claim("second"))
        await house.ask(house.claim("third"))

    in_no_time(work())


@pytest.mark.parametrize(
    ("outcome", "minutes"),
    [
        (Outcome(Fate.ANSWERED, 503, timedelta(minutes=10)), 10),
        (Outcome(Fate.ANSWERED, 429, timedelta(hours=2)), 120),
        (Outcome(Fate.ANSWERED, 503), 15),
        (Outcome(Fate.ANSWERED, 429), 15),
    ],
    ids=str,
)
def test_an_account_that_was_told_to_wait_sends_nothing_before_its_time(outcome: Outcome, minutes: int) -> None:
    async def work() -> float:
        house = House()
        told = await house.ask(house.claim(), outcome)
        while True:
            await house.ask(house.claim("another"))
            try:
                # A new pass each time: the last one's end may never have reached the store.
                return await house.ask(house.claim()) - told
            except HeldBack:
                await asyncio.sleep(10)

    assert minutes * 60 <= in_no_time(work()) < minutes * 60 + 11
