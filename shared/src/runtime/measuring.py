"""What a store is asked at intervals, so that it can be seen from outside."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

from prometheus_client import Gauge

from runtime import metrics
from runtime.logs import get_logger

EVERY: Final = timedelta(seconds=15)
"""As often as Prometheus usually looks; every process measures by itself, so questions have to be cheap."""
_PATIENCE: Final = 10.0

_log = get_logger("measuring")


@dataclass(frozen=True, slots=True)
class Measure:
    """A question to a store. `take` answers with one number for each of the gauges, in their order."""

    name: str
    gauges: Sequence[Gauge]
    take: Callable[[], Awaitable[Sequence[float]]]


class Measuring:
    """Takes measures again and again for as long as the process lives.

    A gauge that cannot be measured is NaN, which the ops port leaves out: what was true once must not look as if it
    still were.
    """

    def __init__(self, *measures: Measure, every: timedelta = EVERY) -> None:
        self._measures = measures
        self._every = every.total_seconds()
        # Nobody knows before the first answer, and a process may wait long for its store before it asks.
        for measure in measures:
            for gauge in measure.gauges:
                gauge.set(float("nan"))

    async def run(self) -> NoReturn:
        """Never returns. What fails is tried again at the next turn."""
        while True:
            for measure in self._measures:
                await self.take(measure)
            # Processes that began together do not go on asking together.
            await asyncio.sleep(self._every * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, guards nothing

    async def take(self, measure: Measure) -> None:
        """One measure now."""
        try:
            async with asyncio.timeout(_PATIENCE):
                numbers = await measure.take()
        except Exception as error:  # noqa: BLE001 - the outermost loop of measuring: whatever failed, the next turn comes
            metrics.UNMEASURED.labels(measure.name).inc()
            _log.warning("unmeasured", what=measure.name, error=type(error).__name__)
            numbers = [float("nan")] * len(measure.gauges)
        for gauge, number in zip(measure.gauges, numbers, strict=True):
            gauge.set(number)


def pending(service: str, take: Callable[[], Awaitable[Sequence[float]]]) -> Measure:
    """The measure of a service's outbox: how many events wait, and for how many seconds the oldest has."""
    return Measure("pending", (metrics.PENDING.labels(service), metrics.PENDING_OLDEST.labels(service)), take)
