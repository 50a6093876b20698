import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from apple_users import AppleUsers
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The whole system with two workers, polling every second, telling all it can in its logs."""
    data = Path(os.environ.get("CALSYNC_TEST_STACK_DATA") or tmp_path_factory.mktemp("stack"))
    settings = {"CALSYNC_POLL_INTERVAL": "PT1S", "CALSYNC_LEASE": "PT3S", "CALSYNC_LOG_LEVEL": "DEBUG"}
    with LocalStack(data, ports="auto", workers=2, env=settings) as running:
        yield running


@pytest.fixture(scope="session")
def apple(stack: LocalStack) -> Iterator[SimulatorAdmin]:
    with SimulatorAdmin(stack.env["SIMULATOR_ADMIN_URL"]) as admin:
        yield admin


@pytest.fixture(scope="session")
def users(stack: LocalStack, apple: SimulatorAdmin) -> Iterator[AppleUsers]:
    """Makes people with an Apple account and a CrocoClick user."""
    with AppleUsers(stack, apple) as made:
        yield made
