from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from icloud.credentials import new_key_pair, new_signing_pair
from local_stack.servers.mongo import MongoServer
from worker_vault import Held


@pytest.fixture(scope="session")
def own_mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mongod of its own: the tool knows the vault by the one name that it has everywhere."""
    server = MongoServer(tmp_path_factory.mktemp("mongodb-of-the-vault"))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def held(own_mongodb: str, tmp_path: Path) -> Iterator[Held]:
    with MongoClient[dict[str, Any]](own_mongodb) as client:
        kept = client["vault"]["credentials"]
        kept.drop()
        pairs = new_signing_pair(tmp_path), new_signing_pair(tmp_path)
        yield Held(own_mongodb, kept, tmp_path, new_key_pair(tmp_path), *pairs)
