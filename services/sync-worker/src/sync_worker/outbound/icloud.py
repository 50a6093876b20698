"""Accounts at iCloud."""

from icloud import Account, ICloud
from sync_worker.application.claim import Claim
from sync_worker.application.turnstile import Gatehouse
from sync_worker.outbound.vault import Vault


class ICloudAccounts:
    """Implements `Accounts`: opens each account with the credential that the vault holds for it."""

    def __init__(self, icloud: ICloud, vault: Vault, gatehouse: Gatehouse | None = None) -> None:
        """Without a gatehouse nothing bounds the requests but what they ask for."""
        self._icloud = icloud
        self._vault = vault
        self._gatehouse = gatehouse

    async def open(self, claim: Claim) -> Account:
        """The claim's account, nothing asked of it yet."""
        turnstile = self._gatehouse.of(claim) if self._gatehouse else None
        credential = await self._vault.credential(claim)
        return self._icloud.account(credential, claim.home.open(credential), turnstile=turnstile)
