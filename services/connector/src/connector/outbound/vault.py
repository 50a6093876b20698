"""The vault: credentials sealed for the workers. Written, replaced and deleted here, never read."""

from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession

from connector.domain.connection import Connection
from icloud.credentials import Binding, SealedCredential, Sealer, Signer

VAULT = "vault"


class Vault:
    """Seals into `credentials`, signed where there is a signer; all writes join the caller's transaction."""

    def __init__(
        self,
        client: AsyncIOMotorClient[dict[str, Any]],
        sealer: Sealer,
        signer: Signer | None = None,
        *,
        database: str = VAULT,
    ) -> None:
        self._credentials = client[database]["credentials"]
        self._sealer = sealer
        self._signer = signer

    async def put(
        self, connection: Connection, secret: SealedCredential, *, session: AsyncIOMotorClientSession
    ) -> None:
        """Insert the connection's first credential."""
        await self._credentials.insert_one(self._document(connection, secret), session=session)

    async def replace(
        self, connection: Connection, secret: SealedCredential, *, session: AsyncIOMotorClientSession
    ) -> None:
        """Put another credential in the place of the connection's; one that was lost comes back."""
        document = self._document(connection, secret)
        await self._credentials.replace_one({"_id": connection.id}, document, upsert=True, session=session)

    async def erase(self, connection_id: str, *, session: AsyncIOMotorClientSession) -> None:
        """Delete the connection's credential."""
        await self._credentials.delete_one({"_id": connection_id}, session=session)

    def _document(self, connection: Connection, secret: SealedCredential) -> dict[str, Any]:
        binding = Binding(connection.owner.account_id, connection.id)
        envelope = self._sealer.seal(secret, binding)
        document = {
            "_id": connection.id,
            "account_id": binding.account_id,
            "epoch": connection.epoch,
            "version": envelope.version,
            "key_id": envelope.key_id,
            "sealed": Binary(envelope.sealed),
        }
        if self._signer is None:
            return document
        signature = self._signer.sign(envelope, binding, connection.epoch)
        return document | {"signer_id": signature.signer_id, "signature": Binary(signature.signature)}
