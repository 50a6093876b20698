from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import DEAD_CONFIG, ICLOUD_EVENTS, PARTITIONS, TOPICS
from local_stack.topics import create_topics, make_topics

pytestmark = pytest.mark.servers
_SET_ON_THE_TOPIC = 1


@pytest.fixture
async def admin(kafka_bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap_servers)
    await client.start()
    yield client
    await client.close()


async def _settings(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    (resource,) = answer.resources
    entries: list[tuple[Any, ...]] = resource[4]
    return {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_THE_TOPIC}


async def test_every_topic_and_its_dead_letters_stand_with_all_partitions(admin: AIOKafkaAdminClient) -> None:
    names = {name for topic in TOPICS for name in (topic.name, topic.dead)}

    described = await admin.describe_topics(sorted(names))

    assert {topic["topic"]: len(topic["partitions"]) for topic in described} == dict.fromkeys(names, PARTITIONS)


async def test_topics_carry_the_settings_of_the_contracts_and_no_other(admin: AIOKafkaAdminClient) -> None:
    found = {topic.name: await _settings(admin, topic.name) for topic in TOPICS}
    found |= {topic.dead: await _settings(admin, topic.dead) for topic in TOPICS}

    wanted = {topic.name: dict(topic.config) for topic in TOPICS}
    wanted |= {topic.dead: dict(DEAD_CONFIG) for topic in TOPICS}
    assert found == wanted


async def test_making_the_topics_again_mends_a_setting_that_was_changed(
    admin: AIOKafkaAdminClient, kafka_bootstrap_servers: str
) -> None:
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, ICLOUD_EVENTS.name, configs={"cleanup.policy": "delete"})]
    )

    await create_topics(kafka_bootstrap_servers)

    assert await _settings(admin, ICLOUD_EVENTS.name) == dict(ICLOUD_EVENTS.config)


async def test_topics_can_be_made_from_inside_a_running_loop(kafka_bootstrap_servers: str) -> None:
    make_topics(kafka_bootstrap_servers)
