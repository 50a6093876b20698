"""The command at a Kafka that asks who one is, with the rights of deploy/kafka/acls.txt."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tools.calsync.tests.world import Said, calsync

from local_stack.servers.kafka import KafkaServer
from local_stack.waiting import wait_until

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


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    server = GuardedKafka(tmp_path_factory.mktemp("guarded-kafka") / "data")
    server.launch()
    try:
        environ = {**os.environ, **server.known_as(ROOT_USER), "KAFKA_REPLICATION": "1"}
        subprocess.run([sys.executable, str(APPLY)], env=environ, check=True, capture_output=True, timeout=180)
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
