import pytest

from sync_worker.outbound.mongo import forget_plain_homes
from worker_stores import Database

pytestmark = pytest.mark.servers


async def test_what_older_versions_kept_in_clear_goes_at_the_start_unless_a_pass_is_under_way(mine: Database) -> None:
    plain = {"home": {"addresses": ["jane.doe@icloud.com"]}, "fence": 7}
    connections = mine.client[mine.name]["connections"]
    free = [f"{first:x}" + "c" * 31 for first in range(16)]
    await connections.insert_many([{"_id": one} | plain for one in free])
    await connections.insert_one({"_id": "1" * 32, "lease": {"token": "t"}} | plain)

    await forget_plain_homes(mine.client, mine.name)

    left = [one["_id"] async for one in connections.find({"home": {"$exists": True}})]
    assert left == ["1" * 32]
    assert await connections.count_documents({"fence": 7}) == 17
