"""Pytest plugin: a real MongoDB and a real Apache Kafka for the tests that ask for them.

CALSYNC_TEST_MONGODB_URL and CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS name servers that are there already; without them
the tests start their own, on free ports, and leave nothing behind, however the run ends.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_stack.stack import LocalStack
from local_stack.topics import make_topics


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """A replica set's URL; use a database name of your own."""
    given = os.environ.get("CALSYNC_TEST_MONGODB_URL")
    if given:
        yield given
        return
    with _running("mongodb") as stack:
        yield stack.env["CALSYNC_MONGODB_URL"]


@pytest.fixture(scope="session")
def kafka_bootstrap_servers() -> Iterator[str]:
    """A broker with all topics of the contracts; use keys and group ids of your own."""
    given = os.environ.get("CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS")
    if given:
        make_topics(given)
        yield given
        return
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
