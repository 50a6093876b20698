"""How many asyncio tasks a process of ours has, told among its metrics; production does not count them."""

import asyncio
from collections.abc import Iterator
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

TASKS: Final = "soak_asyncio_tasks"


class _Tasks(Collector):
    """Asked by the ops port, within the loop that it counts."""

    def describe(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(TASKS, "Tasks of the loop that answers.")

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(TASKS, "Tasks of the loop that answers.", len(asyncio.all_tasks()))


def tell_tasks() -> None:
    """From now on, at /metrics."""
    REGISTRY.register(_Tasks())
