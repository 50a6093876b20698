"""The vault as this tool sees it: it reads envelopes and replaces them; it makes none and deletes none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient

from icloud.credentials import Binding, Envelope, Signature

DATABASE: Final = "vault"
CREDENTIALS: Final = "credentials"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A connection's envelope as the vault holds it."""

    binding: Binding
    epoch: int
    envelope: Envelope = field(repr=False)
    signature: Signature | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which envelopes are to be sealed anew: those of other keys than `key_id`.

    `unsigned`: those that nobody has signed, too; `signed_by`: and those that one of these has signed.
    """

    key_id: str
    unsigned: bool = False
    signed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """So many envelopes are sealed for `key_id` and signed by `signer_id` (None: by nobody)."""

    key_id: str
    signer_id: str | None
    envelopes: int


class Vault:
    """`credentials`."""

    def __init__(self, client: AsyncIOMotorClient[Document], *, database: str = DATABASE) -> None:
        self._credentials = client[database][CREDENTIALS]

    async def uses(self) -> Sequence[Use]:
        """How many envelopes each key and each signer has."""
        by = {"$group": {"_id": {"key": "$key_id", "signer": "$signer_id"}, "number": {"$sum": 1}}}
        found = self._credentials.aggregate([by, {"$sort": {"_id": 1}}])
        return [Use(one["_id"]["key"], one["_id"].get("signer"), one["number"]) async for one in found]

    async def wanted(self, wanted: Wanted, *, after: str, limit: int) -> Sequence[Kept]:
        """The next of them behind the connection id `after`, in the order of the ids."""
        conditions: list[Document] = [{"key_id": {"$ne": wanted.key_id}}]
        if wanted.unsigned:
            conditions.append({"signature": {"$exists": False}})
        if wanted.signed_by:
            conditions.append({"signer_id": {"$in": list(wanted.signed_by)}})
        found = self._credentials.find({"_id": {"$gt": after}, "$or": conditions}).sort("_id", 1).limit(limit)
        return [_kept(one) async for one in found]

    async def replace(self, old: Kept, new: Kept) -> bool:
        """Put `new` in the place of `old`, if that is still what stands there; one that is gone stays gone."""
        exactly = {
            "_id": old.binding.connection_id,
            "account_id": old.binding.account_id,
            "epoch": old.epoch,
            "version": old.envelope.version,
            "key_id": old.envelope.key_id,
            "sealed": Binary(old.envelope.sealed),
        }
        change: Document = {
            "version": new.envelope.version,
            "key_id": new.envelope.key_id,
            "sealed": Binary(new.envelope.sealed),
        }
        if new.signature is not None:
            change |= {"signer_id": new.signature.signer_id, "signature": Binary(new.signature.signature)}
        done = await self._credentials.update_one(exactly, {"$set": change})
        return done.matched_count == 1


def _kept(document: Document) -> Kept:
    signature = None
    if "signature" in document:
        signature = Signature(document["signer_id"], bytes(document["signature"]))
    return Kept(
        Binding(document["account_id"], document["_id"]),
        document["epoch"],
        Envelope(document["version"], document["key_id"], bytes(document["sealed"])),
        signature,
    )
