from collections.abc import AsyncIterator, Iterator

import pytest

from icloud import Endpoint
from icloud.credentials import KeyPair, new_key_pair
from icloud_simulator.client import SimulatorAdmin
from icloud_simulator.simulator import Simulator, running
from worker_edges import Edges
from worker_edges import edges as edges_of
from worker_stores import Database, Store, database, fake_store


@pytest.fixture(params=["fake", pytest.param("mongodb", marks=pytest.mark.servers)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """The fake and the real one: what holds for one holds for the other."""
    if request.param == "fake":
        yield fake_store()
        return
    async with database(request.getfixturevalue("mongodb_url")) as mine:
        yield mine.store()


@pytest.fixture
async def mine(mongodb_url: str) -> AsyncIterator[Database]:
    """A database of this test alone."""
    async with database(mongodb_url) as found:
        yield found


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """The vault's keys."""
    return new_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """iCloud on this machine, in a thread of its own."""
    with running() as found:
        yield found


@pytest.fixture
def admin(simulator: Simulator) -> Iterator[SimulatorAdmin]:
    """The simulator's other side; faults are off again at the end."""
    with SimulatorAdmin(simulator.admin_url) as found:
        yield found
        found.clear_faults()


@pytest.fixture
def endpoint(simulator: Simulator) -> Endpoint:
    """Where our client finds the simulator."""
    return Endpoint(simulator.url, ("127.0.0.1", "localhost"))


@pytest.fixture
async def edges(
    mine: Database, kafka_bootstrap_servers: str, endpoint: Endpoint, keys: KeyPair
) -> AsyncIterator[Edges]:
    """The worker's real neighbours."""
    async with edges_of(mine, kafka_bootstrap_servers, endpoint, keys) as found:
        yield found
