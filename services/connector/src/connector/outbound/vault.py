"""The vault: credentials sealed for the workers. Written and deleted here, never read."""

from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession

from connector.domain.connection import Connection
from icloud.credentials import Binding, SealedCredential, Sealer

VAULT = "vault"


class Vault:
    """Seals into `credentials`; both writes join the caller's transaction."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], sealer: Sealer, *, database: str = VAULT) -> None:
        self._credentials = client[database]["credentials"]
        self._sealer = sealer

    async def put(
        self, connection: Connection, secret: SealedCredential, *, session: AsyncIOMotorClientSession
    ) -> None:
        """Insert the connection's first credential."""
        account_id = connection.owner.account_id
        envelope = self._sealer.seal(secret, Binding(account_id, connection.id))
        document = {
            "_id": connection.id,
            "account_id": account_id,
            "epoch": connection.epoch,
            "version": envelope.version,
            "key_id": envelope.key_id,
            "sealed": Binary(envelope.sealed),
        }
        await self._credentials.insert_one(document, session=session)

    async def erase(self, connection_id: str, *, session: AsyncIOMotorClientSession) -> None:
        """Delete the connection's credential."""
        await self._credentials.delete_one({"_id": connection_id}, session=session)
