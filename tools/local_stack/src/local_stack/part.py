import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from local_stack.errors import CannotGoOn
from local_stack.processes import Identity, inherited_environment, spawn, tail
from local_stack.waiting import wait_until

_READY_SECONDS = 90.0  # starts take 2 to 4 s; a machine with every core busy may need many times that


class Part(Protocol):
    """One process of the stack, which can be started any number of times."""

    @property
    def log(self) -> Path: ...

    @property
    def identity(self) -> Identity | None:
        """The process last launched here; None before the first launch."""

    def launch(self) -> None:
        """Start the process; whether it will serve is not known yet."""

    def wait_until_ready(self) -> None:
        """Return when it serves. Raises CannotGoOn, with the log's tail, when it ends or is not ready in time."""


@dataclass(slots=True)
class PartProcess:
    """The process and the log file behind a part."""

    name: str
    log: Path
    identity: Identity | None = field(default=None)

    def launch(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start the process; it sees of the terminal's environment only what it takes to run, and `env`."""
        self.identity = spawn(command, env={**inherited_environment(os.environ), **(env or {})}, log=self.log)

    def wait_until_ready(self, is_ready: Callable[[], bool]) -> None:
        """Raise CannotGoOn, with the log's tail, when the process ends or is not ready in time."""
        in_time = wait_until(lambda: not self.is_alive() or is_ready(), seconds=_READY_SECONDS)
        ended = not self.is_alive()
        if ended or not in_time:
            what = "ended while it started" if ended else f"was not ready after {_READY_SECONDS:.0f} s"
            msg = f"{self.name} {what}. The end of its log, {self.log}:\n{tail(self.log)}"
            raise CannotGoOn(msg)

    def is_alive(self) -> bool:
        return self.identity is not None and self.identity.is_alive()
