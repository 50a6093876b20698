"""The servers of a benchmark, in processes of their own."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from icloud.credentials import KeyPair, new_key_pair
from icloud_simulator.client import SimulatorAdmin
from local_stack.processes import Identity
from local_stack.servers import KafkaServer, MongoServer
from local_stack.topics import make_topics


@dataclass(frozen=True, slots=True)
class Servers:
    """Running ones, in processes of their own."""

    mongodb_url: str
    bootstrap_servers: str
    apple_url: str
    admin: SimulatorAdmin
    keys: KeyPair
    kafka: Identity
    """Its process, to be frozen."""


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """A MongoDB, a Kafka with our topics, an iCloud."""
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as name, _simulator() as (url, admin):
        folder = Path(name)
        mongodb, kafka = MongoServer(folder / "mongodb"), KafkaServer(folder / "kafka")
        try:
            mongodb.start()
            kafka.start()
            make_topics(kafka.bootstrap_servers)
            assert kafka.identity is not None
            keys = new_key_pair(folder / "keys")
            yield Servers(mongodb.url, kafka.bootstrap_servers, url, admin, keys, kafka.identity)
        finally:
            kafka.stop()
            mongodb.stop()


@contextlib.contextmanager
def _simulator() -> Iterator[tuple[str, SimulatorAdmin]]:
    program = [sys.executable, "-P", "-m", "icloud_simulator"]
    options = ["--port", "0", "--admin-port", "0", "--seed", "none"]
    with subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            _, url, admin_url = (process.stdout.readline().split()[-1] for _ in range(3))
            with SimulatorAdmin(admin_url.removesuffix("/openapi.json")) as admin:
                yield url, admin
        finally:
            process.terminate()
