"""What a running stack remembers on disk, so that another terminal, or the next start, can find its processes."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, TypedDict

from local_stack.errors import CannotGoOn
from local_stack.layout import ALL_PARTS, Layout
from local_stack.processes import Identity

_MEMBERS: Final = (1, 3)


@dataclass(frozen=True, slots=True)
class Options:
    """What a stack is made of."""

    parts: tuple[str, ...] = ALL_PARTS
    workers: int = 1
    mongodb_members: int = 1
    """Of the replica set."""
    icloud_url: str | None = None
    seed: Literal["demo", "none"] = "none"
    """What the simulator holds at its first start."""
    env: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    """Services that another module than their own is run for, by part."""
    temporary: bool = False
    """Whether the folder goes with its owner."""

    def __post_init__(self) -> None:
        unknown = set(self.parts) - set(ALL_PARTS)
        if unknown:
            msg = f"There is no part {', '.join(sorted(unknown))}. There are: {', '.join(ALL_PARTS)}"
            raise CannotGoOn(msg)
        if self.workers < 1:
            msg = "At least one worker is needed: --workers 1"
            raise CannotGoOn(msg)
        if self.mongodb_members not in _MEMBERS:
            msg = "MongoDB may have 1 member, or 3, one of which may die: --mongodb-members 3"
            raise CannotGoOn(msg)


class Wishes(TypedDict, total=False):
    """The fields of Options, each of which may be left out."""

    parts: tuple[str, ...]
    workers: int
    mongodb_members: int
    icloud_url: str | None
    seed: Literal["demo", "none"]
    env: Mapping[str, str]
    modules: Mapping[str, str]
    temporary: bool


@dataclass(frozen=True, slots=True)
class State:
    """A stack that was started. `owner` is who stops it when it ends itself; None: it was detached."""

    options: Options
    ports: Mapping[str, int]
    owner: Identity | None
    processes: Mapping[str, Identity] = field(default_factory=dict)
    killed: frozenset[str] = frozenset()

    def started(self, name: str, identity: Identity) -> "State":
        return replace(self, processes={**self.processes, name: identity}, killed=self.killed - {name})

    def killed_by_hand(self, name: str) -> "State":
        """Remember that it is not to be missed."""
        return replace(self, killed=self.killed | {name})

    def alive(self) -> list[str]:
        return [name for name, identity in self.processes.items() if identity.is_alive()]

    def is_running(self) -> bool:
        """Whether somebody still wants it: its owner lives, or it was detached and parts of it live."""
        return self.owner.is_alive() if self.owner else bool(self.alive())


class StateFile:
    """Reads and writes one stack's state; whole files only, so that a kill leaves the old one or the new one."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def read(self) -> State | None:
        """Return None when no stack was started here."""
        try:
            known = json.loads(self._layout.state.read_text())
        except FileNotFoundError:
            return None
        return _from_json(known)

    def write(self, state: State) -> None:
        arriving = self._layout.state.with_suffix(".arriving")
        arriving.write_text(json.dumps(_to_json(state), indent=2))
        arriving.rename(self._layout.state)

    def remove(self) -> None:
        self._layout.state.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time changes a stack; the others wait."""
        self._layout.data.mkdir(parents=True, exist_ok=True)
        with self._layout.lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _to_json(state: State) -> dict[str, Any]:
    return {**asdict(state), "killed": sorted(state.killed)}


def _from_json(known: dict[str, Any]) -> State:
    options = known["options"]
    return State(
        options=Options(**{**options, "parts": tuple(options["parts"])}),
        ports=known["ports"],
        owner=Identity(**known["owner"]) if known["owner"] else None,
        processes={name: Identity(**identity) for name, identity in known["processes"].items()},
        killed=frozenset(known["killed"]),
    )
