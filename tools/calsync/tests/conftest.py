from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from tools.calsync.tests.world import World

from calsync.stores import ADMIN
from icloud.credentials import KeyPair, new_key_pair
from local_stack.servers.mongo import MongoServer

_DATABASES = ("connector", "vault", "sync", "availability", ADMIN)


@pytest.fixture(scope="session")
def own_mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mongod of its own: the command knows databases by the one name that they have everywhere."""
    server = MongoServer(tmp_path_factory.mktemp("mongodb-of-calsync"))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """The vault's keys."""
    return new_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(own_mongodb: str, kafka_bootstrap_servers: str, keys: KeyPair) -> Iterator[World]:
    """Empty at first; indexes stay from test to test."""
    yield World(own_mongodb, kafka_bootstrap_servers, keys)
    with MongoClient[dict[str, Any]](own_mongodb) as client:
        for database in _DATABASES:
            for collection in client[database].list_collection_names():
                client[database][collection].delete_many({})


@pytest.fixture
def no_environment(tmp_path: Path) -> dict[str, str]:
    """Somebody's shell who has set nothing."""
    return {"HOME": str(tmp_path)}
