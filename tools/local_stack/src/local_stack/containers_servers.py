"""MongoDB and Kafka for tests in containers, with testcontainers; images that are not here are not fetched."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psutil
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local_stack.errors import CannotGoOn
from local_stack.ports import HOST, free_ports
from local_stack.servers.mongo import REPLICA_SET
from local_stack.topics import make_topics
from local_stack.waiting import wait_until

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

MONGODB: Final = "mongo:8.0"
KAFKA: Final = "apache/kafka:4.1.1"
_OWNER: Final = "calsync.tests.owner"
"""The label with the process id of the run that a container belongs to."""
_READY_SECONDS: Final = 120.0
_ALREADY_INITIALISED: Final = 23
_CONTROLLER: Final = 29_093


def can_run(image: str) -> bool:
    """Whether an engine answers and holds the image."""
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextmanager
def mongodb() -> Iterator[str]:
    """The URL of a replica set of one. The same port inside and outside: clients are told it."""
    (port,) = free_ports(1)
    container = _container(MONGODB, port).with_command(
        f"--replSet {REPLICA_SET} --bind_ip_all --port {port} --oplogSize 256 --wiredTigerCacheSizeGB 0.25 "
        "--setParameter transactionLifetimeLimitSeconds=3"
    )
    with _running(container):
        _demand("MongoDB", container, lambda: _is_primary(port))
        yield f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


@contextmanager
def kafka() -> Iterator[str]:
    """The address of a broker with all topics of the contracts."""
    (port,) = free_ports(1)
    container = _container(KAFKA, port).with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS=f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{_CONTROLLER}",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{HOST}:{port}",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_QUORUM_VOTERS=f"1@127.0.0.1:{_CONTROLLER}",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="4",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_HEAP_OPTS="-Xmx512m",
    )
    address = f"{HOST}:{port}"
    with _running(container):
        _demand("Kafka", container, lambda: _has_topics(address))
        yield address


def _container(image: str, port: int) -> "DockerContainer":
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - half a second, for those who use it
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - the same

    # The helper that tidies up after killed runs is an image of its own, which would be fetched.
    testcontainers_config.ryuk_disabled = True
    _remove_orphans()
    container = DockerContainer(image).with_kwargs(labels={_OWNER: str(os.getpid())})
    # On the loopback interface alone. The engine's client takes an address with the port; testcontainers' types do not.
    container.ports[str(port)] = (HOST, port)  # type: ignore[assignment]
    return container


@contextmanager
def _running(container: "DockerContainer") -> Iterator[None]:
    try:
        container.start()
        yield
    finally:
        container.stop()
        container.get_docker_client().client.close()


def _remove_orphans() -> None:
    """Remove the containers of runs that were killed."""
    listed = [
        "docker",
        "ps",
        "--all",
        "--filter",
        f"label={_OWNER}",
        "--format",
        f'{{{{.ID}}}} {{{{.Label "{_OWNER}"}}}}',
    ]
    told = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    for one in told.splitlines():
        container, owner = one.split()
        if not psutil.pid_exists(int(owner)):
            subprocess.run(["docker", "rm", "--force", "--volumes", container], capture_output=True, check=False)


def _demand(name: str, container: "DockerContainer", holds: Callable[[], bool]) -> None:
    if not wait_until(holds, seconds=_READY_SECONDS):
        out, err = container.get_logs()
        msg = f"{name} is not ready after {_READY_SECONDS:.0f} s:\n{(out + err).decode(errors='replace')[-2_000:]}"
        raise CannotGoOn(msg)


def _is_primary(port: int) -> bool:
    with MongoClient[dict[str, Any]](HOST, port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            members = [{"_id": 0, "host": f"{HOST}:{port}"}]
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as failure:
            if failure.code != _ALREADY_INITIALISED:
                raise
        except PyMongoError:  # not listening yet: asked again
            return False
    return False


def _has_topics(address: str) -> bool:
    try:
        make_topics(address)
    except CannotGoOn:  # not listening yet: asked again
        return False
    return True
