"""What runs, told for people."""

from dataclasses import dataclass, replace
from typing import Literal

from local_stack.members import primary
from local_stack.ports import HOST
from local_stack.state import State


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One process of a stack."""

    name: str
    condition: Literal["running", "paused", "killed", "died"]
    pid: int
    addresses: tuple[str, ...]


def status_of(state: State) -> list[PartStatus]:
    """Return all processes that were started, in that order; with several members, MongoDB's primary says so."""
    parts = [_part(state, name) for name in state.processes]
    chosen = primary(state) if state.options.mongodb_members > 1 else None
    return [replace(one, addresses=(*one.addresses, "primary")) if one.name == chosen else one for one in parts]


def table(parts: list[PartStatus]) -> str:
    """Return one line for each."""
    width = max(len(part.name) for part in parts)
    lines = [
        f"{part.name:{width}}  {part.condition:7}  pid {part.pid:<7}  {'  '.join(part.addresses)}" for part in parts
    ]
    return "\n".join(lines)


def _part(state: State, name: str) -> PartStatus:
    identity = state.processes[name]
    condition: Literal["running", "paused", "killed", "died"] = "running"
    if not identity.is_alive():
        condition = "killed" if name in state.killed else "died"
    elif identity.is_paused():
        condition = "paused"
    ports = {port_name: port for port_name, port in state.ports.items() if port_name.split()[0] == name}
    addresses = tuple(
        f"{port_name.removeprefix(name).strip() or 'at'} {HOST}:{port}" for port_name, port in ports.items()
    )
    return PartStatus(name, condition, identity.pid, addresses)
