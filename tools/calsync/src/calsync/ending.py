"""The end of a connection: through the connector, and looked after until nothing is left."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from calsync.audit import Deed, Entry, KeptAudit
from calsync.ends import End, Misuse, NotThere
from calsync.http import ask
from calsync.session import Session
from calsync.settings import ConnectorAndStore
from calsync.stores import Document, Stores, stores
from runtime.clock import system_clock

_LOOK_AGAIN_SECONDS: Final = 0.5
_GONE_ALREADY: Final = 204
_FIELDS: Final = dict.fromkeys(("account_id", "user_id", "state"), True)


@dataclass(frozen=True, slots=True)
class Whose:
    """One connection by its id, or all that a user of an account ever had."""

    connection_id: str | None
    account_id: str | None
    user_id: str | None

    def where(self) -> Document:
        """The connector's documents. Raises Misuse."""
        if self.connection_id is not None and self.account_id is None and self.user_id is None:
            return {"_id": self.connection_id}
        if self.connection_id is None and self.account_id is not None and self.user_id is not None:
            return {"account_id": self.account_id, "user_id": self.user_id}
        raise Misuse("Name a connection, or a user with --account and --user.")


async def disconnect(session: Session, connection_id: str) -> End:
    """As its user would; what is imported is erased within minutes."""
    settings = session.load(ConnectorAndStore)
    async with stores(settings.mongo) as found:
        gone = [False]

        async def work(entry: Entry) -> None:
            gone[0] = await _disconnected(settings, connection_id)
            entry.told["already_gone"] = gone[0]

        audit = KeptAudit(found.audit, system_clock, session.named)
        deed = Deed("connection disconnect", {"connection_id": connection_id})
        question = f"Disconnect {connection_id} and erase all that was imported? Only its user can connect it again."
        await session.change(audit, deed, question, work)
    session.tell(connection_id=connection_id, disconnected=True, already_gone=gone[0])
    return End.OK


async def erase(session: Session, whose: Whose, wait_seconds: float) -> End:
    """Disconnect, wait, and tell what is left in which collection; WRONG while anything is."""
    where = whose.where()
    settings = session.load(ConnectorAndStore)
    async with stores(settings.mongo) as found:
        known = await found.connections.find(where, _FIELDS).to_list(None)
        if not known:
            raise NotThere("The connector never had such a connection. `calsync connection list` names them.")
        ids = [one["_id"] for one in known]
        living = [one["_id"] for one in known if one["state"] != "disconnected"]
        left: dict[str, int] = {}

        async def work(entry: Entry) -> None:
            for one in living:
                await _disconnected(settings, one)
            left.update(await _waited(found, ids, wait_seconds))
            entry.told["left"] = dict(left)

        audit = KeptAudit(found.audit, system_clock, session.named)
        question = f"Erase {len(ids)} connections ({len(living)} of them living) and all that was imported?"
        await session.change(audit, Deed("erase", {"connections": ids}), question, work)
        session.tell(connections=ids, left=left, erased=not left, stays=await _stays(found, known))
    return End.WRONG if left else End.OK


async def _disconnected(settings: ConnectorAndStore, connection_id: str) -> bool:
    url = f"{settings.connector.url}/v1/connections/{quote(connection_id, safe='')}"
    status, _ = await ask("DELETE", url, settings.caller.token)
    return status == _GONE_ALREADY


async def _waited(found: Stores, ids: list[str], seconds: float) -> dict[str, int]:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    left = await _left(found, ids)
    while left and loop.time() < until:
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        left = await _left(found, ids)
    return left


async def _left(found: Stores, ids: list[str]) -> dict[str, int]:
    """How many documents hold more than the ids and epochs that stay, by collection."""
    those, of_those = {"_id": {"$in": ids}}, {"connection_id": {"$in": ids}}
    questions: dict[str, tuple[Any, Document]] = {
        "vault.credentials": (found.sealed, those),
        "connector.connections": (found.connections, those | {"state": {"$ne": "disconnected"}}),
        "connector.principals": (found.principals, {"connections": {"$in": ids}}),
        "sync.connections": (found.synced, those | {"state": {"$ne": "gone"}}),
        "sync.objects": (found.objects, of_those),
        "sync.appointments": (found.jobs, of_those),
        "availability.timeline": (
            found.timeline,
            {"$or": [those | {"ended": {"$exists": False}}, of_those | {"finality": 0}]},
        ),
    }
    counted = {name: await collection.count_documents(where) for name, (collection, where) in questions.items()}
    return {name: number for name, number in counted.items() if number}


async def _stays(found: Stores, known: Sequence[Document]) -> dict[str, int]:
    """What its user has in CrocoClick itself: not the connection's, and none of this command's business."""
    # A connection has one user, and so have all of a user.
    of_user = {name: known[0][name] for name in ("account_id", "user_id")}
    kinds = ("appointment", "blocked_slot")
    return {one: await found.timeline.count_documents(of_user | {"kind": one}) for one in kinds}
