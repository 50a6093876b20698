"""Sealed credentials, read and opened."""

from collections.abc import Sequence
from typing import Final

from icloud import AppleCredential
from icloud.credentials import Binding, Envelope, EnvelopeRefused, Opener, Signature, Signers
from sync_worker.application import metrics
from sync_worker.application.accounts import CredentialUnusable
from sync_worker.application.claim import Claim
from sync_worker.outbound.mongo.collections import Client, Document
from sync_worker.outbound.together import Together

DATABASE: Final = "vault"
CREDENTIALS: Final = "credentials"
_GATHERED_SECONDS: Final = 0.005
"""The passes of one claim begin in the same moment; what they read is sealed, and forgotten with each pass."""
_MOST: Final = 100


class Vault:
    """The workers' side of the vault: they read, and hold the private keys.

    With signers only what one of them has signed is opened, for the epoch of the claim or a later one: whoever writes
    into the database puts no credential of their own in a user's place, and none back that was replaced.
    """

    def __init__(
        self, client: Client, opener: Opener, signers: Signers | None = None, *, database: str = DATABASE
    ) -> None:
        self._credentials = client[database][CREDENTIALS]
        self._opener = opener
        self._signers = signers
        self._document = Together(self._documents, seconds=_GATHERED_SECONDS, most=_MOST)

    async def credential(self, claim: Claim) -> AppleCredential:
        """The connection's credential. Raises CredentialUnusable."""
        try:
            opened = await self._opened(claim)
        except CredentialUnusable as unusable:
            metrics.opened(unusable.reason).inc()
            raise
        metrics.opened("opened").inc()
        return opened

    async def _opened(self, claim: Claim) -> AppleCredential:
        found = await self._document(claim.connection_id)
        if found is None:
            raise CredentialUnusable("absent")
        envelope = Envelope(version=found["version"], key_id=found["key_id"], sealed=bytes(found["sealed"]))
        binding = Binding(claim.account_id, claim.connection_id)
        try:
            if self._signers is not None:
                self._signers.check(envelope, binding, found["epoch"], _signature(found))
                _demand_present(found["epoch"], claim.epoch)
            return self._opener.open(envelope, binding).credential
        except EnvelopeRefused as refused:
            raise CredentialUnusable(refused.reason) from None

    async def _documents(self, connection_ids: Sequence[str]) -> Sequence[Document | None]:
        found = self._credentials.find({"_id": {"$in": list(connection_ids)}})
        kept = {document["_id"]: document for document in await found.to_list(None)}
        return [kept.get(one) for one in connection_ids]


def _signature(found: Document) -> Signature | None:
    return Signature(found["signer_id"], bytes(found["signature"])) if "signature" in found else None


def _demand_present(epoch: int, claimed: int) -> None:
    # A later one is a reconnect that the claim has not heard of yet.
    if epoch < claimed:
        raise CredentialUnusable("outdated")
