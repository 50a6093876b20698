"""A simulator for the whole run, and a fresh account for each test."""

from collections.abc import Iterator

import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator, running


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running() as running_one:
        yield running_one


@pytest.fixture
def admin(simulator: Simulator) -> Iterator[SimulatorAdmin]:
    with SimulatorAdmin(simulator.admin_url) as client:
        yield client
        client.clear_faults()
        client.move_clock(0)


@pytest.fixture
def account(admin: SimulatorAdmin) -> SimulatedAccount:
    return admin.create_account()


@pytest.fixture
def probe(simulator: Simulator, account: SimulatedAccount) -> Iterator[Probe]:
    client = Probe(simulator.url, account.apple_id, account.app_password)
    yield client
    client.close()


@pytest.fixture
def home(account: SimulatedAccount) -> str:
    """The path of the calendar called home."""
    return f"{account.home}home/"
