import asyncio
import math
from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from runtime import metrics
from runtime.measuring import Measure, Measuring, pending
from runtime.ops import application


def gauges(*names: str) -> tuple[Gauge, ...]:
    return tuple(Gauge(name, name, registry=CollectorRegistry()) for name in names)


def value(gauge: Gauge) -> float:
    (sample,) = next(iter(gauge.collect())).samples
    return sample.value


async def test_each_gauge_tells_its_number() -> None:
    some = gauges("first", "second")

    async def take() -> Sequence[float]:
        return 3, 0.5

    await Measuring().take(Measure("tests", some, take))

    assert [value(one) for one in some] == [3, 0.5]


async def test_before_the_first_answer_nothing_is_told() -> None:
    some = gauges("first", "second")

    async def take() -> Sequence[float]:
        return 3, 0.5

    Measuring(Measure("tests", some, take))

    assert all(math.isnan(value(one)) for one in some)


async def test_what_cannot_be_measured_is_no_number() -> None:
    (gauge,) = gauges("one")
    gauge.set(7)

    async def fail() -> Sequence[float]:
        raise ConnectionError

    await Measuring().take(Measure("tests-failing", (gauge,), fail))

    assert math.isnan(value(gauge))
    assert metrics.UNMEASURED.labels("tests-failing")._value.get() == 1


async def test_measuring_goes_on_after_a_failure() -> None:
    answers = [ConnectionError(), None]
    measured = asyncio.Event()

    async def take() -> Sequence[float]:
        if error := answers.pop(0):
            raise error
        measured.set()
        return 5, 1.5

    measuring = asyncio.create_task(Measuring(pending("tests", take), every=timedelta(seconds=0.01)).run())
    async with asyncio.timeout(10):
        await measured.wait()
    measuring.cancel()

    assert REGISTRY.get_sample_value("calsync_pending_oldest_seconds", {"service": "tests"}) == 1.5


def test_the_process_says_what_it_is() -> None:
    metrics.tell_build("tests", "calsync-shared")

    assert REGISTRY.get_sample_value("calsync_build_info", {"service": "tests", "version": "0.1.0"}) == 1


def test_counters_do_not_tell_when_they_began() -> None:
    application({}, {})
    metrics.PUBLISH_FAILED.inc(0)

    names = {sample.name for family in REGISTRY.collect() for sample in family.samples}

    assert not [name for name in names if name.endswith("_created")]
