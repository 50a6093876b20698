"""What the whole fleet sees of Apple's 401s, counted in MongoDB."""

from sync_worker.domain.waves import LATELY, MOST, Refused, enough
from sync_worker.outbound.mongo.collections import CONNECTIONS, DATABASE, NEVER, NOW, Client
from sync_worker.outbound.mongo.documents import milliseconds
from sync_worker.outbound.mongo.indexes import DUE, REFUSED


class MongoRefusals:
    """Implements `Refusals`. Both counts end where more would not change the answer: a few milliseconds at most."""

    def __init__(self, client: Client, database: str = DATABASE) -> None:
        self._connections = client[database][CONNECTIONS]

    async def lately(self) -> Refused:
        """Count on MongoDB's clock."""
        since = {"$subtract": [NOW, milliseconds(LATELY)]}
        lately = await self._connections.count_documents(
            {"$expr": {"$gte": ["$rejections.last", since]}, "rejections.last": {"$exists": True}},
            limit=MOST,
            hint=REFUSED,
        )
        if lately >= MOST:
            return Refused(lately, of=lately)
        of = await self._connections.count_documents(
            {"bucket": {"$gte": 0}, "next_sync_at": {"$lt": NEVER}}, limit=enough(lately), hint=DUE
        )
        return Refused(lately, of)
