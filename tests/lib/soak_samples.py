"""What the services of a stack hold, asked every ten seconds."""

import csv
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Final

import httpx
import psutil

from local_stack.layout import SERVICES
from local_stack.ports import HOST
from local_stack.stack import LocalStack
from local_stack.state import State
from soak_tasks import TASKS
from soak_trend import Limit, Sample, Trend, trend

LIMITS: Final[Mapping[str, Limit]] = {
    # A leak of one object of a kilobyte per pass or request is some twenty megabytes in an hour of this load.
    "memory, MB": Limit(6.0, share=0.05),
    # Pools keep the connections of their busiest moment; one left open per pass would be thousands.
    "files": Limit(10),
    # Motor's pool has five a core and starts each when it is needed; one left behind per pass would be hundreds.
    "threads": Limit(4),
    "tasks": Limit(4),
    "pending": Limit(20),
    # Of a few seconds on a busy machine; a consumer that cannot keep up is behind by minutes within the hour.
    "lag, s": Limit(30),
}
_EVERY_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 5.0
_METRICS: Final[Mapping[str, str]] = {
    "tasks": TASKS,
    "pending": "calsync_pending_events",
    "lag, s": "calsync_kafka_consumer_lag_seconds",
}


class Samples:
    """Of every process of a stack; only those of services are judged, as they alone never start anew."""

    def __init__(self, stack: LocalStack, file: Path) -> None:
        """`file`: where all samples are kept, as CSV."""
        self._stack = stack
        self._file = file
        self._began = 0.0
        self._pids = dict(self._services())
        self._series: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)

    def run(self, over: Event) -> None:
        """Until it is over. Raises AssertionError when a service has ended."""
        self._began = time.monotonic()
        with self._file.open("w", newline="") as file, httpx.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
            writer = csv.writer(file)
            writer.writerow(["seconds", "process", "what", "value"])
            while True:
                for row in self._look(http):
                    writer.writerow(row)
                file.flush()
                if over.wait(_EVERY_SECONDS):
                    return

    def trends(self, *, after_seconds: float) -> dict[tuple[str, str], Trend]:
        """Of what services hold, without the beginning, in which caches and pools fill."""
        found: dict[tuple[str, str], Trend] = {}
        for (process, what), samples in self._series.items():
            kept = [sample for sample in samples if sample.seconds >= after_seconds]
            if process in self._pids and len(kept) > 1:
                found[process, what] = trend(kept, LIMITS[what])
        return found

    def _look(self, http: httpx.Client) -> Iterator[tuple[float, str, str, float]]:
        state = self._state()
        if (now := dict(self._services())) != self._pids:
            raise AssertionError(f"services ended by themselves: {self._pids} became {now}")
        for process, identity in state.processes.items():
            seconds = time.monotonic() - self._began
            try:
                held = _held(psutil.Process(identity.pid))
            except psutil.NoSuchProcess:  # a database that is just being started anew
                continue
            if process in self._pids:
                held |= _told(http, state.ports[f"{process} ops"])
            for what, value in held.items():
                self._series[process, what].append(Sample(seconds, value))
                yield round(seconds, 1), process, what, value

    def _services(self) -> Iterator[tuple[str, int]]:
        state = self._state()
        for name, identity in state.processes.items():
            if name.startswith(SERVICES) and identity.is_alive():
                yield name, identity.pid

    def _state(self) -> State:
        state = self._stack.state
        assert state is not None
        return state


def _held(process: psutil.Process) -> dict[str, float]:
    with process.oneshot():
        return {
            "memory, MB": process.memory_info().rss / 2**20,
            "files": process.num_fds(),
            "threads": process.num_threads(),
        }


def _told(http: httpx.Client, port: int) -> dict[str, float]:
    """By the process itself; of several figures of one kind the highest."""
    try:
        text = http.get(f"http://{HOST}:{port}/metrics").text
    except httpx.TransportError:  # too busy to answer: the next look tells
        return {}
    found = {what: re.findall(rf"^{name}(?:{{.*}})? (\d\S*)$", text, re.MULTILINE) for what, name in _METRICS.items()}
    return {what: max(map(float, values)) for what, values in found.items() if values}
