"""MongoDB's members: which of them is the primary now."""

from collections.abc import Mapping
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local_stack import roster
from local_stack.errors import CannotGoOn
from local_stack.ports import HOST
from local_stack.state import State
from local_stack.waiting import wait_until

PRIMARY: Final = "mongodb-primary"
"""Stands for the member that is the primary when a command is carried out."""

_ELECTION_SECONDS = 30.0  # an election takes about three; a busy machine may need many times that
_ANSWER_MILLISECONDS = 1_000


def named(name: str, state: State) -> list[str]:
    """As `roster.named`; also knows who `mongodb-primary` is. Raises CannotGoOn when the members elect none."""
    if name != PRIMARY:
        return roster.named(name, state.options)
    roster.named("mongodb", state.options)  # or there is none in this stack
    found: list[str] = []

    def is_found() -> bool:
        found.extend(one for one in [primary(state)] if one)
        return bool(found)

    if not wait_until(is_found, seconds=_ELECTION_SECONDS):
        msg = f"MongoDB has had no primary for {_ELECTION_SECONDS:.0f} s. See: .venv/bin/python -m local_stack status"
        raise CannotGoOn(msg)
    return found


def primary(state: State) -> str | None:
    """Return the name of the member that takes writes now; None while there is none."""
    for name, identity in state.processes.items():
        if name.startswith("mongodb") and identity.is_alive() and not identity.is_paused():
            with MongoClient[Mapping[str, Any]](
                HOST, state.ports[name], directConnection=True, serverSelectionTimeoutMS=_ANSWER_MILLISECONDS
            ) as client:
                try:
                    if client.admin.command("hello").get("isWritablePrimary"):
                        return name
                except PyMongoError:  # it is coming up, or going down
                    continue
    return None
