"""Which keys the vault's envelopes are sealed for."""

from calsync.ends import End
from calsync.session import Session
from calsync.settings import Store
from calsync.stores import stores


async def status(session: Session) -> End:
    """How many envelopes each key and each signer has."""
    async with stores(session.load(Store).mongo) as found:
        by = {"$group": {"_id": {"key": "$key_id", "signer": "$signer_id"}, "envelopes": {"$sum": 1}}}
        uses = found.sealed.aggregate([by, {"$sort": {"_id": 1}}])
        rows = [
            {"key_id": one["_id"]["key"], "signer_id": one["_id"].get("signer"), "envelopes": one["envelopes"]}
            async for one in uses
        ]
    session.tell(keys=rows)
    return End.OK
