"""Connections in a table: how each stands, and which key its credential is sealed for."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from calsync.connection_states import State
from calsync.connections import due, leased
from calsync.ends import End, Misuse
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import LEFT_OUT, Document, Stores, stores

_FIELDS: Final = dict.fromkeys(("account_id", "user_id", "state", "epoch"), True)
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections are to be listed."""

    account_id: str | None
    user_id: str | None
    state: State | None
    key_id: str | None
    """The key of the vault that their credentials are sealed for."""
    paused: bool
    limit: int


async def show_list(session: Session, wanted: Wanted) -> End:
    """The connections that the connector has, with how workers and vault stand with them."""
    if wanted.limit < 1:
        raise Misuse("--limit must be at least 1.")
    async with stores(session.load(Store).mongo) as found:
        listed = await _listed(found, wanted)
        those = {"_id": {"$in": [one["_id"] for one in listed]}}
        kept = {one["_id"]: one async for one in found.synced.find(those, LEFT_OUT)}
        keys = {one["_id"]: one["key_id"] async for one in found.sealed.find(those, {"key_id": True})}
        now = await found.now()
        rows = [_row(one, kept.get(one["_id"], {}), now) | {"vault_key": keys.get(one["_id"])} for one in listed]
        session.tell(connections=rows)
    return End.OK


async def _listed(found: Stores, wanted: Wanted) -> Sequence[Document]:
    where = await _where(found, wanted)
    if wanted.key_id is None:
        return await found.connections.find(where, _FIELDS).sort("_id", 1).limit(wanted.limit).to_list(None)
    listed: list[Document] = []
    async for page in _sealed_for(found, wanted.key_id):
        those = {"$and": [where, {"_id": {"$in": page}}]}
        listed += await found.connections.find(those, _FIELDS).sort("_id", 1).limit(_PAGE).to_list(None)
        if len(listed) >= wanted.limit:
            break
    return listed[: wanted.limit]


async def _sealed_for(found: Stores, key_id: str) -> AsyncIterator[Sequence[str]]:
    """The ids, in pages. The vault has no index by key: it is read in the order of the ids, and once at most."""
    after = ""
    while True:
        cursor = found.sealed.find({"_id": {"$gt": after}, "key_id": key_id}, {"_id": True}).sort("_id", 1)
        page = [one["_id"] async for one in cursor.limit(_PAGE)]
        if not page:
            return
        yield page
        after = page[-1]


async def _where(found: Stores, wanted: Wanted) -> Document:
    said = {"account_id": wanted.account_id, "user_id": wanted.user_id, "state": wanted.state and wanted.state.value}
    where: Document = {name: value for name, value in said.items() if value is not None}
    if wanted.paused:
        ids = [one["_id"] async for one in found.synced.find({"paused": {"$exists": True}}, {"_id": True})]
        where["_id"] = {"$in": ids}
    return where


def _row(own: Document, kept: Document, now: datetime) -> Document:
    as_of = kept.get("as_of")
    return {
        "id": own["_id"],
        "account_id": own["account_id"],
        "user_id": own["user_id"],
        "state": own["state"],
        "epoch": own["epoch"],
        "age_seconds": None if as_of is None else _seconds(as_of, now),
        "next_look_at": due(kept),
        "leased": leased(kept, now),
        "paused": "paused" in kept,
        "failures": kept.get("failures", 0) or 0,
    }


def _seconds(moment: datetime, now: datetime) -> int:
    return max(0, round((now - moment).total_seconds()))
