import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError

from runtime.mongo import connect, is_infrastructure, unreachable
from runtime.settings import MongoSettings

AWAY = MongoSettings(url=SecretStr("mongodb://127.0.0.1:1/"), timeout=timedelta(seconds=1))


@pytest.mark.servers
async def test_writes_are_majority_acknowledged_and_moments_come_back_in_utc(mongodb_url: str) -> None:
    client = connect(MongoSettings(url=SecretStr(mongodb_url)), "tests")
    collection = client[f"tests-{uuid.uuid4().hex}"]["things"]
    now = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

    await collection.insert_one({"_id": 1, "at": now})

    assert (await collection.find_one({"_id": 1})) == {"_id": 1, "at": now}
    assert collection.write_concern.document == {"w": "majority", "j": True}
    assert await unreachable(client) is None
    await client.drop_database(collection.database.name)
    client.close()


@pytest.mark.servers
async def test_a_slow_operation_ends_on_the_server_too_and_is_the_infrastructures_fault(mongodb_url: str) -> None:
    client = connect(MongoSettings(url=SecretStr(mongodb_url), timeout=timedelta(seconds=1)), "tests")
    database = client[f"tests-{uuid.uuid4().hex}"]
    await database["things"].insert_one({"_id": 1})

    began = time.monotonic()
    with pytest.raises(PyMongoError) as slow:
        await database["things"].find_one({"$where": "sleep(10000) || true"})

    assert time.monotonic() - began < 3
    assert is_infrastructure(slow.value)
    await client.drop_database(database.name)
    client.close()


async def test_an_absent_mongodb_is_the_infrastructures_fault_and_told_in_time() -> None:
    client = connect(AWAY, "tests")

    began = time.monotonic()
    with pytest.raises(PyMongoError) as away:
        await client["tests"]["things"].find_one({})

    assert time.monotonic() - began < 3
    assert is_infrastructure(away.value)
    assert await unreachable(client) == "ServerSelectionTimeoutError"
    client.close()


@pytest.mark.parametrize(
    "error",
    [DuplicateKeyError("twice"), OperationFailure("no", 121), BulkWriteError({"writeErrors": [{}]}), ValueError()],
)
def test_a_refused_write_is_not_the_infrastructures_fault(error: Exception) -> None:
    assert not is_infrastructure(error)


@pytest.mark.parametrize("code", [13, 18, 14031])
def test_a_server_that_lets_nobody_write_is(code: int) -> None:
    assert is_infrastructure(OperationFailure("no", code))


def test_a_transient_conflict_is() -> None:
    conflict = OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})

    assert is_infrastructure(conflict)
