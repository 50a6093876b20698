from collections.abc import AsyncIterator

import pytest
from shared.tests.runtime.world import Kafka

from runtime.kafka import Publisher


@pytest.fixture
def kafka(kafka_bootstrap_servers: str) -> Kafka:
    return Kafka(kafka_bootstrap_servers)


@pytest.fixture
async def publisher(kafka: Kafka) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka.settings, "tests")
    await publisher.start()
    yield publisher
    await publisher.stop()
