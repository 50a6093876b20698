"""What processes are told to suffer in a storm, and what they report of it: files, because nothing survives SIGKILL."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

POINTS: Final = (
    "fetched",
    "persisted",
    "half produced",
    "produced",
    "marked",
    "before token",
    "token stored",
    "before end",
)
"""Where a worker can die: between any two of its steps."""
FREEZING_POINTS: Final = ("before produce", "fetched", "persisted", "produced", "before token", "before end")


class Deed(StrEnum):
    """What happens to a process that reaches its point."""

    DIE = "die"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class Order:
    """At the `nth` passing of `point`; until then the worker's clock is wrong by so much."""

    number: int
    point: str
    nth: int = 1
    deed: Deed = Deed.DIE
    clock_skew_seconds: int = 0
    token_first: bool = False
    """Until then the worker makes the mistake of remembering a calendar's token before anything is published."""


@dataclass(frozen=True, slots=True)
class Done:
    """An order that was carried out, and the process that it was carried out on."""

    order: Order
    pid: int


class Orders:
    """The orders of one stack, in a folder that all its processes know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._queue, self._taken, self._done = (folder / name for name in ("queue", "taken", "done"))
        self._commits = folder / "commits"
        self._calm = folder / "calm"
        for one in (self._queue, self._taken, self._done):
            one.mkdir(parents=True, exist_ok=True)

    def clear(self) -> None:
        """Forget everything; nothing was ordered, nothing happened."""
        for folder in (self._queue, self._taken, self._done):
            for path in folder.iterdir():
                path.unlink()
        self._commits.unlink(missing_ok=True)
        self.calm = False

    def give(self, order: Order) -> None:
        """For whoever looks next."""
        arriving = self.folder / f"{order.number:05}.arriving"
        arriving.write_text(json.dumps(asdict(order)))
        arriving.rename(self._queue / f"{order.number:05}")

    def take(self) -> Order | None:
        """The oldest order that nobody has taken."""
        for path in sorted(self._queue.iterdir()):
            try:
                mine = path.rename(self._taken / path.name)
            except FileNotFoundError:  # somebody else was faster
                continue
            return _order(json.loads(mine.read_text()))
        return None

    def done(self, order: Order, pid: int) -> None:
        """It happens now."""
        (self._done / f"{order.number:05}").write_text(json.dumps({"order": asdict(order), "pid": pid}))

    def all_done(self) -> list[Done]:
        """In the order of their numbers."""
        return list(self._read())

    def _read(self) -> Iterator[Done]:
        for path in sorted(self._done.iterdir()):
            said = json.loads(path.read_text() or "null")
            if said:  # else it is being written
                yield Done(_order(said["order"]), said["pid"])

    @property
    def calm(self) -> bool:
        """Whether nobody is to suffer any more."""
        return self._calm.exists()

    @calm.setter
    def calm(self, wanted: bool) -> None:
        if wanted:
            self._calm.touch()
            for path in self._queue.iterdir():
                path.unlink(missing_ok=True)
        else:
            self._calm.unlink(missing_ok=True)

    def committed(self, connection_id: str, fence: int) -> None:
        """A pass was ended. One short line is written whole, whoever else writes."""
        line = f"{connection_id} {fence}\n".encode()
        log = os.open(self._commits, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(log, line)
        finally:
            os.close(log)

    def commits(self) -> Counter[tuple[str, int]]:
        """How often each pass was ended, by connection and fence."""
        lines = self._commits.read_text().splitlines() if self._commits.exists() else []
        return Counter((one, int(fence)) for one, fence in (line.split() for line in lines))


def _order(said: dict[str, object]) -> Order:
    return Order(**{**said, "deed": Deed(str(said["deed"]))})  # type: ignore[arg-type]  # as asdict wrote it
