"""Sealed credentials, read and opened."""

from typing import Final

from icloud import AppleCredential
from icloud.credentials import Binding, Envelope, EnvelopeRefused, Opener
from sync_worker.application.accounts import CredentialUnusable
from sync_worker.application.claim import Claim
from sync_worker.outbound.mongo.collections import Client

DATABASE: Final = "vault"
CREDENTIALS: Final = "credentials"


class Vault:
    """The workers' side of the vault: they read, and hold the private keys."""

    def __init__(self, client: Client, opener: Opener, database: str = DATABASE) -> None:
        self._credentials = client[database][CREDENTIALS]
        self._opener = opener

    async def credential(self, claim: Claim) -> AppleCredential:
        """The connection's credential. Raises CredentialUnusable."""
        found = await self._credentials.find_one({"_id": claim.connection_id})
        if found is None:
            raise CredentialUnusable("absent")
        envelope = Envelope(version=found["version"], key_id=found["key_id"], sealed=bytes(found["sealed"]))
        try:
            return self._opener.open(envelope, Binding(claim.account_id, claim.connection_id)).credential
        except EnvelopeRefused as refused:
            raise CredentialUnusable(refused.reason) from None
