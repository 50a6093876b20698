import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from local_stack.part import PartProcess
from local_stack.processes import Identity

_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """How a Python process of ours is started and how it shows that it serves."""

    arguments: Sequence[str]
    is_ready: Callable[[], bool]
    env: Mapping[str, str]


class Service:
    """A Python process of ours: one of the services, or the simulator."""

    def __init__(self, name: str, start: Start, log: Path) -> None:
        self._start = start
        self._process = PartProcess(name, log)

    @property
    def log(self) -> Path:
        return self._process.log

    @property
    def identity(self) -> Identity | None:
        return self._process.identity

    def launch(self) -> None:
        # -P: the terminal's folder must not become a place to import from.
        command = [sys.executable, "-P", "-m", *self._start.arguments]
        self._process.launch(command, {"PYTHONUNBUFFERED": "1", **self._start.env})

    def wait_until_ready(self) -> None:
        self._process.wait_until_ready(self._start.is_ready)


def answers_ok(url: str) -> Callable[[], bool]:
    """Ready when a GET is answered with 200."""

    def says_ready() -> bool:
        try:
            answer = httpx.get(url, timeout=_ANSWER_SECONDS, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    return says_ready
