"""Pytest plugin: a real MongoDB and a real Apache Kafka for the tests that ask for them.

Where they come from, first match: CALSYNC_TEST_MONGODB_URL and CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS name servers that
are there already; a container engine that answers and holds the images; processes of this machine. The tests start
their own on free ports and leave nothing behind, however the run ends (containers of a killed run go with the next).
CALSYNC_TEST_SERVERS=containers or =processes allows only these.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from local_stack import containers_servers
from local_stack.errors import CannotGoOn
from local_stack.stack import LocalStack
from local_stack.topics import make_topics


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """A replica set's URL; use a database name of your own."""
    given = os.environ.get("CALSYNC_TEST_MONGODB_URL")
    if given:
        yield given
        return
    with _own(containers_servers.MONGODB, containers_servers.mongodb, _mongodb_process) as url:
        yield url


@pytest.fixture(scope="session")
def kafka_bootstrap_servers() -> Iterator[str]:
    """A broker with all topics of the contracts; use keys and group ids of your own."""
    given = os.environ.get("CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS")
    if given:
        make_topics(given)
        yield given
        return
    with _own(containers_servers.KAFKA, containers_servers.kafka, _kafka_process) as address:
        yield address


def _own(
    image: str, container: Callable[[], AbstractContextManager[str]], process: Callable[[], AbstractContextManager[str]]
) -> AbstractContextManager[str]:
    """A container where that is possible, a process where it is not, unless only one of them is wanted."""
    wanted = os.environ.get("CALSYNC_TEST_SERVERS", "containers processes").split()
    if "containers" in wanted and containers_servers.can_run(image):
        return container()
    if "processes" in wanted:
        return process()
    msg = f"No container engine that holds {image} answers: docker pull {image}"
    raise CannotGoOn(msg)


@contextmanager
def _mongodb_process() -> Iterator[str]:
    with _running("mongodb") as stack:
        yield stack.env["CALSYNC_MONGODB_URL"]


@contextmanager
def _kafka_process() -> Iterator[str]:
    with _running("kafka") as stack:
        yield stack.env["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"]


@contextmanager
def _running(part: str) -> Iterator[LocalStack]:
    folder = Path(tempfile.mkdtemp(prefix="calsync-tests-"))
    try:
        with LocalStack(folder, parts=(part,), temporary=True) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)
