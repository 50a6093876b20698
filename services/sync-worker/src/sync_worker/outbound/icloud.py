"""Accounts at iCloud."""

from icloud import Account, ICloud
from sync_worker.application.claim import Claim
from sync_worker.outbound.vault import Vault


class ICloudAccounts:
    """Implements `Accounts`: opens each account with the credential that the vault holds for it."""

    def __init__(self, icloud: ICloud, vault: Vault) -> None:
        self._icloud = icloud
        self._vault = vault

    async def open(self, claim: Claim) -> Account:
        """The claim's account, nothing asked of it yet."""
        return self._icloud.account(await self._vault.credential(claim), claim.home)
