"""Who changed what, and what came of it: kept in a database of its own, which no service reads or writes."""

import getpass
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import uuid4

from pymongo import DESCENDING

from calsync.ends import End, Misuse
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import Collection, Document, stores
from runtime.clock import Clock, system_clock

BEGUN: Final = "begun"
"""The outcome until there is one. Where it stays, the command was killed: look at the target."""
DONE: Final = "done"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Deed:
    """A change by name (`connection pause`), and what it is made to: ids and numbers."""

    what: str
    target: Mapping[str, Any]


@dataclass(slots=True)
class Entry:
    """A change under way; `told` is what came of it, in ids and numbers."""

    id: str
    told: dict[str, Any] = field(default_factory=dict)
    outcome: str = DONE


class Audit(Protocol):
    """Where changes are recorded."""

    async def begin(self, deed: Deed) -> Entry:
        """Keep that it begins, before it does."""

    async def end(self, entry: Entry, outcome: str) -> None:
        """Keep what came of it."""


def who(named: str | None) -> dict[str, str]:
    """The user of this machine, and what they call themselves; in a container only the latter says anything."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "nobody known"
    return {"user": user, "host": socket.gethostname(), **({"as": named} if named else {})}


@asynccontextmanager
async def recorded(audit: Audit, deed: Deed) -> AsyncIterator[Entry]:
    """Nothing is changed before the record of it is kept; a change that ends in an error is recorded as failed."""
    entry = await audit.begin(deed)
    outcome = FAILED
    try:
        yield entry
        outcome = entry.outcome
    finally:
        await audit.end(entry, outcome)


class KeptAudit:
    """Implements `Audit` in MongoDB: `calsync_admin.audit`, never deleted by us.

    {_id, at, who: {user, host, as?}, what, target, outcome, told?, ended_at?}
    """

    def __init__(self, collection: Collection, clock: Clock, named: str | None) -> None:
        self._audit = collection
        self._clock = clock
        self._who = who(named)

    async def begin(self, deed: Deed) -> Entry:
        entry = Entry(uuid4().hex)
        await self._audit.insert_one({"_id": entry.id, **_record(deed, self._who, self._clock())})
        return entry

    async def end(self, entry: Entry, outcome: str) -> None:
        ended = {"outcome": outcome, "told": entry.told, "ended_at": self._clock()}
        await self._audit.update_one({"_id": entry.id}, {"$set": ended})


class WrittenAudit:
    """Implements `Audit` as JSON lines on stderr: for an empty cluster, where there is no MongoDB yet."""

    def __init__(self, clock: Clock, named: str | None) -> None:
        self._clock = clock
        self._who = who(named)

    async def begin(self, deed: Deed) -> Entry:
        entry = Entry(uuid4().hex)
        self._write({"id": entry.id, **_record(deed, self._who, self._clock())})
        return entry

    async def end(self, entry: Entry, outcome: str) -> None:
        self._write({"id": entry.id, "outcome": outcome, "told": entry.told, "ended_at": self._clock()})

    @staticmethod
    def _write(record: Mapping[str, Any]) -> None:
        sys.stderr.write(json.dumps({"audit": record}, default=str) + "\n")


async def show(session: Session, since: datetime | None, what: str | None, limit: int) -> End:
    """The latest changes first."""
    if limit < 1:
        raise Misuse("--limit must be at least 1.")
    where: Document = {} if what is None else {"what": what}
    if since is not None:
        where["at"] = {"$gte": since}
    async with stores(session.load(Store).mongo) as found:
        cursor = found.audit.find(where).sort("at", DESCENDING).limit(limit)
        session.tell(audit=[{"id": one.pop("_id"), **one} async for one in cursor])
    return End.OK


def _record(deed: Deed, by: Mapping[str, str], now: datetime) -> Document:
    return {"at": now, "who": dict(by), "what": deed.what, "target": dict(deed.target), "outcome": BEGUN}


@asynccontextmanager
async def audit_where_there_is(session: Session) -> AsyncIterator[Audit]:
    """In MongoDB; on stderr where none is set. For what may come before MongoDB, or runs without it."""
    if not any(session.environ.get(name) for name in ("CALSYNC_MONGODB_URL", "CALSYNC_MONGODB_URL_FILE")):
        yield WrittenAudit(system_clock, session.named)
        return
    async with stores(session.load(Store).mongo) as found:
        yield KeptAudit(found.audit, system_clock, session.named)
