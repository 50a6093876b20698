"""What of two timelines must be equal, and what one of them may have forgotten. Pure.

*Lasting* is what the compacted topics hold as long as it is true: living events, and connections with their setup. Of
these both timelines hold the same documents. *Passing* is what `icloud.sync.v1` said within its week, and the end of
a connection: the living timeline remembers it for longer than Kafka does, so it must know at least as much.
Bookings, guards and the gravestones of single events are no matter of the topics, or of a moment only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from availability.domain.changes import Finality

Document = Mapping[str, Any]
Version = tuple[int, int]

EVENT: Final = "event"
CONNECTION: Final = "connection"
DOUBTS: Final = ("held", "quarantined")
_OF_CONNECTIONS: Final = ("_id", "kind", "account_id", "user_id", "setup", "periods", "since", "until")
_WORDS: Final = ("completed", "rejected")
_ALL: Final = 2**256


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the two timelines do not agree on, and at which (epoch, revision) each has it."""

    kind: str
    id: str
    live: Version | None
    rebuilt: Version | None


@dataclass(slots=True)
class Sum:
    """How much a timeline holds, and a hash that does not depend on the order: the SHA-256 of all documents, added."""

    events: int = 0
    connections: int = 0
    total: int = 0

    def add(self, document: Document | None) -> None:
        if document is None or (kept := lasting(document)) is None:
            return
        self.events += document["kind"] == EVENT
        self.connections += document["kind"] == CONNECTION
        self.total = (self.total + digest(kept)) % _ALL

    @property
    def hash(self) -> str:
        return f"{self.total:064x}"


def lasting(document: Document) -> Document | None:
    """What of the document comes from the compacted topics alone; None: nothing."""
    if document["kind"] == EVENT and document["finality"] == Finality.ALIVE:
        return {name: value for name, value in document.items() if name != "expires_at"}
    if document["kind"] == CONNECTION and "setup" in document:
        return {name: document.get(name) for name in _OF_CONNECTIONS}
    return None


def digest(document: Document) -> int:
    """SHA-256 of its JSON, names sorted."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, default=str)
    return int.from_bytes(sha256(text.encode()).digest())


def agree(live: Document | None, rebuilt: Document | None) -> bool:
    """Whether both say the same of what lasts, and the living one at least what the other has of what passes."""
    one, other = live and lasting(live), rebuilt and lasting(rebuilt)
    return one == other and (rebuilt is None or _remembers(live, rebuilt))


def difference(live: Document | None, rebuilt: Document | None) -> Difference:
    """Of two that do not agree; one of them is there."""
    there = live or rebuilt or {}
    return Difference(there["kind"], there["_id"], version(live), version(rebuilt))


def version(document: Document | None) -> Version | None:
    """Where a document stands; of a connection where its setup or its end does."""
    if document is None:
        return None
    part = document if document["kind"] != CONNECTION else document.get("ended") or document.get("setup")
    return None if part is None else (part["epoch"], part["revision"])


def _remembers(live: Document | None, rebuilt: Document) -> bool:
    if rebuilt["kind"] in DOUBTS:
        # One that is over is forgotten by and by.
        return "expires_at" in rebuilt if live is None else _is_as_new(live, rebuilt)
    if rebuilt["kind"] == EVENT:
        return True
    if "ended" in rebuilt:
        return live is not None and "ended" in live
    if live is None or "setup" not in rebuilt:
        return True
    read = rebuilt.get("as_of") is None or (live.get("as_of") is not None and live["as_of"] >= rebuilt["as_of"])
    return read and all(_is_as_new(live.get(word), rebuilt[word]) for word in _WORDS if word in rebuilt)


def _is_as_new(live: Document | None, rebuilt: Document) -> bool:
    if live is None:
        return False
    known, told = ((one["epoch"], one["revision"]) for one in (live, rebuilt))
    return known > told or (known == told and _said(live) == _said(rebuilt))


def _said(word: Document) -> Document:
    return {name: value for name, value in word.items() if name != "expires_at"}
