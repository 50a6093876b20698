"""The command at a Kafka that asks who one is, with the rights of deploy/kafka/acls.txt."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tools.calsync.tests.world import LONG_AGO, Said, World, calsync

from contracts.events import AppointmentExportFailed
from contracts.topics import EXPORTS
from contracts.wire import encode
from local_stack.servers.kafka import KafkaServer
from local_stack.waiting import wait_until
from runtime.kafka.connection import client_arguments
from runtime.settings import KafkaSettings, load

pytestmark = pytest.mark.servers
APPLY: Final = Path(__file__).parents[3] / "deploy/kafka/apply.py"
ROOT_USER, OURS, STRANGER = "admin", "calsync-kafka-calsync-admin", "stranger"
PASSWORD: Final = "of-a-test"
_KNOWN: Final = " ".join(f'user_{one}="{PASSWORD}"' for one in (ROOT_USER, OURS, STRANGER))
_GUARD: Final = f"""
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  username="{ROOT_USER}" password="{PASSWORD}" {_KNOWN};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ROOT_USER};User:ANONYMOUS
"""


class GuardedKafka(KafkaServer):
    """A broker that knows three users, and lets nobody but the first do anything unless told."""

    def _configure(self) -> None:
        super()._configure()
        with self._settings.open("a") as settings:
            settings.write(_GUARD)

    def known_as(self, user: str, password: str = PASSWORD) -> dict[str, str]:
        return {
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "CALSYNC_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "CALSYNC_KAFKA_SASL_MECHANISM": "PLAIN",
            "CALSYNC_KAFKA_SASL_USERNAME": user,
            "CALSYNC_KAFKA_SASL_PASSWORD": password,
        }


def _looked(server: GuardedKafka) -> Said:
    return calsync(server.known_as(OURS), "topics", "diff", "--json")


def _apply(server: GuardedKafka) -> None:
    environ = {**os.environ, **server.known_as(ROOT_USER), "KAFKA_REPLICATION": "1"}
    subprocess.run([sys.executable, str(APPLY)], env=environ, check=True, capture_output=True, timeout=180)


def _as_root(server: GuardedKafka) -> KafkaSettings:
    return load(KafkaSettings, server.known_as(ROOT_USER))


async def _settings_of(server: GuardedKafka, topic: str, change: Mapping[str, str] | None = None) -> dict[str, str]:
    """What holds on a topic, after its own settings were changed for others."""
    admin = AIOKafkaAdminClient(**client_arguments(_as_root(server), "tests"))
    await admin.start()
    try:
        if change is not None:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(change))])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        ((_, _, _, _, entries),) = answer.resources
        return {entry[0]: entry[1] for entry in entries}
    finally:
        await admin.close()


async def _buried(server: GuardedKafka) -> str:
    """A word on an appointment's copy came and was refused. Its key."""
    identity = {"account_id": "acc-1", "user_id": "usr-1", "epoch": 1, "revision": 1, "connection_id": "c-1"}
    event = AppointmentExportFailed.model_validate({**identity, "appointment_id": "a-1", "reason": "quota_exceeded"})
    record = encode(event, source="tests", time=LONG_AGO)
    key, why = record.key.encode(), [("dl-partition", b"0"), ("dl-offset", b"0"), ("dl-reason", b"ValueError")]
    async with AIOKafkaProducer(**client_arguments(_as_root(server), "tests")) as producer:
        for topic, headers in ((EXPORTS.name, []), (EXPORTS.dead, why)):
            told = [*record.headers, *headers]
            await producer.send_and_wait(topic, record.value, key=key, headers=told, partition=0)
    return event.key


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    server = GuardedKafka(tmp_path_factory.mktemp("guarded-kafka") / "data")
    server.launch()
    try:
        _apply(server)
        # What the controller has taken in, topics and rights, the broker goes by a moment later.
        assert wait_until(lambda: _looked(server).code == 0, seconds=60), _looked(server)
        yield server
    finally:
        server.kill()


def test_the_rights_of_the_table_do_for_what_only_looks(guarded: GuardedKafka) -> None:
    topics = _looked(guarded)
    letters = calsync(guarded.known_as(OURS), "dead-letters", "list", "--json")

    assert (topics.code, topics.err) == (0, "")
    assert topics.json["differences"] == []
    assert (letters.code, letters.err) == (0, "")


def test_the_rights_of_the_table_do_for_sending_a_letter_again(guarded: GuardedKafka, world: World) -> None:
    key = asyncio.run(_buried(guarded))

    sent = world.calsync("dead-letters", "replay", "--key", key, "--yes", "--json", **guarded.known_as(OURS))

    assert (sent.code, sent.err) == (0, "")
    assert sent.json["sent"] == 1


def test_the_rights_of_the_table_do_for_telling_a_connection_again(guarded: GuardedKafka, world: World) -> None:
    kept = world.connected()

    told = world.calsync("connection", "retell", kept.id, "--yes", "--json", **guarded.known_as(OURS))
    every = world.calsync("connection", "retell", "--all", "--yes", "--json", **guarded.known_as(OURS))

    assert (told.code, told.err, told.json["done"]) == (0, "", 1)
    assert (every.code, every.json["chosen"]) == (0, 0)


def test_what_is_set_on_a_topic_by_hand_stays_when_topics_are_made_again(guarded: GuardedKafka) -> None:
    by_hand = {"max.message.bytes": "2000000", "retention.ms": "1000"}
    before = asyncio.run(_settings_of(guarded, EXPORTS.name, by_hand))

    _apply(guarded)

    assert by_hand.items() <= before.items()
    wanted = {"max.message.bytes": "2000000", **EXPORTS.config}
    assert wait_until(lambda: wanted.items() <= asyncio.run(_settings_of(guarded, EXPORTS.name)).items(), seconds=60)


@pytest.mark.parametrize(
    ("user", "password", "told"),
    [
        (STRANGER, PASSWORD, "TopicAuthorizationFailedError"),
        (OURS, "wrong-one", "SaslAuthenticationFailed"),
    ],
)
def test_a_refusal_is_told_as_one_and_not_as_an_absence(
    guarded: GuardedKafka, user: str, password: str, told: str
) -> None:
    said = calsync(guarded.known_as(user, password), "topics", "diff")

    assert (said.code, said.out) == (3, "")
    assert "Kafka does not let us" in said.err
    assert told in said.err
    assert password not in said.err
