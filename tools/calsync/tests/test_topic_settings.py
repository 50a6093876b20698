"""The topics of the contracts, held against a real Kafka."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tools.calsync.tests.world import World, calsync

from calsync.topic_settings import WANTED, Found, differences
from contracts.topics import DEAD_CONFIG, EXPORTS

pytestmark = pytest.mark.servers


def altered(kafka: str, topic: str, config: dict[str, str]) -> None:
    """Return once the broker tells them: it hears of them after whoever asked has its answer."""

    async def told(admin: AIOKafkaAdminClient) -> dict[str, str]:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        ((_code, _message, _kind, _name, entries),) = answer.resources
        return {entry[0]: entry[1] for entry in entries}

    async def work() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        try:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])
            async with asyncio.timeout(30):
                while True:
                    if config.items() <= (await told(admin)).items():
                        return
                    await asyncio.sleep(0.05)
        finally:
            await admin.close()

    asyncio.run(work())


def test_what_differs_is_told_and_mended_and_what_is_not_ours_stays(world: World) -> None:
    dead = EXPORTS.dead
    before = world.calsync("topics", "diff", "--json")
    altered(world.kafka, dead, {"retention.ms": "1000000000", "min.insync.replicas": "1"})

    differs = world.calsync("topics", "diff", "--json")
    applied = world.calsync("topics", "apply", "--yes", "--json")
    after = world.calsync("topics", "diff", "--json")

    assert (before.code, before.json["differences"]) == (0, [])
    wanted = {"topic": dead, "setting": "retention.ms", "wanted": DEAD_CONFIG["retention.ms"], "found": "1000000000"}
    assert (differs.code, [one for one in differs.json["differences"] if one["setting"] == "retention.ms"]) == (
        1,
        [wanted],
    )
    assert (applied.code, after.code) == (0, 0)
    assert world.calsync("audit", "--json").json["audit"][0]["target"] == {"topics": [dead]}
    altered(world.kafka, dead, dict(DEAD_CONFIG))


def test_without_mongodb_the_record_of_it_goes_to_stderr(world: World) -> None:
    altered(world.kafka, EXPORTS.dead, {**DEAD_CONFIG, "retention.ms": "1000000000"})
    alone = {"CALSYNC_KAFKA_BOOTSTRAP_SERVERS": world.kafka}

    said = calsync(alone, "topics", "apply", "--yes", "--as", "anna")

    assert said.code == 0
    assert '"what": "topics apply"' in said.err
    assert '"as": "anna"' in said.err
    assert '"outcome": "done"' in said.err


def test_missing_topics_and_other_numbers_of_partitions_differ() -> None:
    found = {one.name: Found(one.partitions, one.config) for one in WANTED[2:]}
    found[WANTED[0].name] = Found(3, WANTED[0].config)

    told = [(row["topic"], row["setting"], row["wanted"], row["found"]) for row in differences(found)]

    assert told == [(WANTED[0].name, "partitions", "12", "3"), (WANTED[1].name, "partitions", "12", None)]
