"""Requests drawn from MongoDB: the fleet's and the accounts'."""

from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from sync_worker.application.allowance import Portion
from sync_worker.application.claim import Claim, LeaseLost
from sync_worker.outbound.mongo.buckets import of_account, of_fleet
from sync_worker.outbound.mongo.collections import CONNECTIONS, DATABASE, Client, Document
from sync_worker.outbound.mongo.passes import fenced

BUDGETS: Final = "budgets"


class MongoGrants:
    """Implements `Grants`: one guarded write to one document, whoever draws."""

    def __init__(self, client: Client, per_second: float, database: str = DATABASE) -> None:
        self._budgets = client[database][BUDGETS]
        self._bucket = of_fleet(per_second)

    async def draw(self, wanted: int) -> Portion:
        """Take up to so many."""
        update = self._bucket.drawing(wanted)
        try:
            drawn = await self._update(update)
        except DuplicateKeyError:
            # Two workers made the document at once; now it is there.
            drawn = await self._update(update)
        return self._bucket.portion(drawn)

    async def _update(self, update: list[Document]) -> Any:  # noqa: ANN401 - the document after an upsert is always there
        return await self._budgets.find_one_and_update(
            {"_id": "fleet"}, update, upsert=True, return_document=ReturnDocument.AFTER
        )


class MongoShares:
    """Implements `Shares`. Guarded by the claim's fence: who was overtaken draws nothing."""

    def __init__(self, client: Client, per_minute: int, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]
        self._bucket = of_account(per_minute)

    async def draw(self, claim: Claim, wanted: int) -> Portion:
        """Settle, and take up to so many."""
        drawn = await self._connections.find_one_and_update(
            fenced(claim),
            self._bucket.drawing(wanted, owed=claim.allowance.owed),
            projection={self._bucket.field: True},
            return_document=ReturnDocument.AFTER,
        )
        if drawn is None:
            raise LeaseLost
        return self._bucket.portion(drawn)
