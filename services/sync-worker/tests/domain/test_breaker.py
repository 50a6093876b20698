from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.breaker import FIRST_WAIT, LONGEST_WAIT, Breaker, State, Verdict

GOOD, BAD, BUSY, NOTHING = Verdict.GOOD, Verdict.BAD, Verdict.BUSY, Verdict.NOTHING


def breaker() -> Breaker:
    return Breaker(lambda: 0.0)


def tell(one: Breaker, verdicts: list[tuple[Verdict, str]], *, at: float = 0.0, every: float = 0.1) -> float:
    """One after the other; when the last one was told."""
    for n, (verdict, whose) in enumerate(verdicts):
        at = at if n == 0 else at + every
        if one.enter(at) is None:
            one.heard(verdict, whose, began=at, now=at)
    return at


def many(verdict: Verdict, count: int, accounts: int = 5) -> list[tuple[Verdict, str]]:
    return [(verdict, f"account-{n % accounts}") for n in range(count)]


def opened() -> tuple[Breaker, float]:
    one = breaker()
    return one, tell(one, many(BAD, 10))


@pytest.mark.parametrize(
    ("told", "every", "state"),
    [
        (many(BAD, 9), 0.1, State.CLOSED),
        (many(BAD, 10), 0.1, State.OPEN),
        (many(BAD, 10, accounts=2), 0.1, State.CLOSED),
        (many(BAD, 10, accounts=3), 0.1, State.OPEN),
        (many(GOOD, 10) + many(BAD, 9), 0.1, State.CLOSED),
        (many(GOOD, 10) + many(BAD, 10), 0.1, State.OPEN),
        (many(GOOD, 40) + many(BAD, 25), 0.1, State.OPEN),
        ([*many(GOOD, 1), *many(BAD, 1)] * 30, 0.1, State.CLOSED),
        (many(BAD, 9) + many(GOOD, 20) + many(BAD, 1), 10, State.CLOSED),
        (many(BUSY, 100), 0.1, State.CLOSED),
        (many(NOTHING, 100), 0.1, State.CLOSED),
        (many(BAD, 4, accounts=1), 60, State.CLOSED),
        (many(BAD, 5, accounts=1), 60, State.OPEN),
        (many(BAD, 5, accounts=1), 5, State.CLOSED),
        (many(BAD, 4) + many(GOOD, 1) + many(BAD, 4), 60, State.CLOSED),
    ],
)
def test_a_breaker_opens_when_a_host_fails_for_many_or_for_all_it_has(
    told: list[tuple[Verdict, str]], every: float, state: State
) -> None:
    one = breaker()

    tell(one, told, every=every)

    assert one.state is state


def test_an_open_breaker_lets_nothing_through_until_it_is_time_for_a_probe() -> None:
    one, at = opened()

    assert one.enter(at + 1) == pytest.approx(FIRST_WAIT - 1)
    assert one.enter(at + FIRST_WAIT) is None
    assert one.state is State.PROBING


def test_a_probe_goes_alone() -> None:
    one, at = opened()
    due = at + FIRST_WAIT

    entered = [one.enter(due + n / 10) for n in range(20)]

    assert entered[0] is None
    assert None not in entered[1:]


def test_a_good_probe_closes_and_what_was_before_is_forgotten() -> None:
    one, at = opened()
    due = at + FIRST_WAIT
    one.enter(due)

    one.heard(GOOD, "account-1", began=due, now=due + 1)
    tell(one, many(BAD, 9), at=due + 2)

    assert one.state is State.CLOSED


def test_bad_probes_come_further_apart_up_to_two_minutes() -> None:
    one, at = opened()
    probes = []
    now = at
    while now < at + 900:
        if one.enter(now) is None:
            probes.append(now)
            one.heard(BAD, "account-1", began=now, now=now)
        now += 1

    apart = [later - earlier for earlier, later in pairwise(probes)]
    assert probes[0] - at == pytest.approx(FIRST_WAIT, abs=1.5)
    assert apart == pytest.approx([10, 20, 40, 80, 120, 120, 120, 120, 120, 120], abs=1.5)
    assert LONGEST_WAIT == 120


@pytest.mark.parametrize(("well_for", "wait"), [(1, 10), (55, 10), (70, 5)])
def test_a_host_that_fails_again_at_once_is_left_alone_for_longer(well_for: float, wait: float) -> None:
    one, at = opened()
    back = at + FIRST_WAIT
    one.enter(back)
    one.heard(GOOD, "account-1", began=back, now=back)

    again = tell(one, many(BAD, 10), at=back + well_for)

    assert one.enter(again) == pytest.approx(wait)


def test_a_probe_that_is_throttled_or_broken_off_is_repeated() -> None:
    one, at = opened()
    first = at + FIRST_WAIT
    one.enter(first)
    one.heard(BUSY, "account-1", began=first, now=first)
    again = first + FIRST_WAIT

    assert one.enter(again - 1) is not None
    assert one.enter(again) is None
    one.heard(NOTHING, "account-2", began=again, now=again + 1)
    assert one.enter(again + 1) is None


def test_what_was_on_its_way_before_a_change_neither_closes_nor_opens() -> None:
    one, at = opened()
    one.heard(GOOD, "account-1", began=at - 5, now=at + 1)
    refused = one.refusal(at + 1)
    due = at + FIRST_WAIT
    one.enter(due)
    one.heard(BAD, "account-1", began=at - 5, now=due + 1)
    one.heard(GOOD, "account-1", began=due, now=due + 1)

    for n in range(20):
        one.heard(BAD, f"account-{n}", began=at - 5, now=due + 2)

    assert refused is not None
    assert one.state is State.CLOSED


def test_waits_get_longer_by_chance_never_shorter() -> None:
    one = Breaker(lambda: 0.99)

    at = tell(one, many(BAD, 10))

    assert FIRST_WAIT * 1.19 < (one.enter(at) or 0) < FIRST_WAIT * 1.2


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(Verdict), st.integers(0, 6), st.floats(0, 20), st.floats(0, 70)), max_size=200
    )
)
def test_whatever_happens_an_open_breaker_lets_one_through_at_a_time(
    steps: list[tuple[Verdict, int, float, float]],
) -> None:
    one, now = breaker(), 0.0
    on_their_way: list[tuple[float, float, Verdict, str]] = []
    for verdict, whose, pause, takes in steps:
        now += pause
        for back, began, said, account in sorted(
            (each for each in on_their_way if each[0] <= now), key=itemgetter(0, 1)
        ):
            one.heard(said, account, began=began, now=back)
        on_their_way = [each for each in on_their_way if each[0] > now]
        before = one.state
        refused = one.enter(now)
        if refused is None:
            assert before is State.CLOSED or one.state is State.PROBING
            on_their_way.append((now + takes, now, verdict, f"account-{whose}"))
        else:
            assert 0 < refused <= LONGEST_WAIT * 1.2

    assert one.enter(now + 1_000) is None
