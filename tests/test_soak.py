"""The verdict of a soak sees what it is there to see, and nothing else."""

from collections.abc import Callable
from random import Random

import pytest

from soak_trend import Limit, Sample, trend

LIMIT = Limit(6.0, share=0.05)
HOUR = 3600


def _samples(value: Callable[[float], float], *, seconds: float = HOUR) -> list[Sample]:
    """Every ten seconds, within two units of `value`, with a sixth of them far above."""
    random = Random(24)
    moments = [10.0 * n for n in range(round(seconds / 10))]
    spikes = {moment: random.uniform(10, 40) for moment in moments if random.random() < 1 / 6}
    return [Sample(at, value(at) + random.uniform(-2, 2) + spikes.get(at, 0)) for at in moments]


def test_what_goes_up_and_down_is_flat() -> None:
    found = trend(_samples(lambda _: 100), LIMIT)

    assert found.is_flat
    assert found.grown == pytest.approx(0, abs=1)
    assert found.start == pytest.approx(100, abs=2)


def test_a_slow_leak_grows() -> None:
    found = trend(_samples(lambda at: 100 + 8 * at / HOUR), LIMIT)

    assert not found.is_flat
    assert found.an_hour == pytest.approx(8, abs=1)


def test_the_longer_the_soak_the_smaller_a_leak_it_sees() -> None:
    slow = [trend(_samples(lambda at: 100 + 3 * at / HOUR, seconds=hours * HOUR), LIMIT) for hours in (1, 3)]

    assert [one.is_flat for one in slow] == [True, False]


def test_what_shrinks_is_flat() -> None:
    assert trend(_samples(lambda at: 100 - 50 * at / HOUR), LIMIT).is_flat


def test_a_large_process_may_grow_by_its_share() -> None:
    found = trend(_samples(lambda at: 400 + 10 * at / HOUR), LIMIT)

    assert found.allowed == pytest.approx(20, abs=1)
    assert found.is_flat
