from collections.abc import AsyncIterator, Iterator

import pytest

from connector_examples import CALENDARS, CREDENTIAL, PRINCIPAL
from connector_fakes import FakeApple, FakeAttempts, FakeConnections, FakeWorkers
from connector_http import Interface, client_of, interface
from connector_stores import Databases, Store, databases, fake_store, mongo_store
from icloud import Endpoint
from icloud.credentials import KeyPair, new_key_pair
from icloud_simulator.client import SimulatorAdmin
from icloud_simulator.simulator import Simulator, running


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """The vault's keys."""
    return new_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def mine(mongodb_url: str) -> AsyncIterator[Databases]:
    """Databases of this test alone."""
    async with databases(mongodb_url) as found:
        yield found


@pytest.fixture(params=["fake", pytest.param("mongodb", marks=pytest.mark.servers)])
async def store(request: pytest.FixtureRequest, keys: KeyPair) -> AsyncIterator[Store]:
    """The fake and the real one: what holds for one holds for the other."""
    if request.param == "fake":
        yield fake_store()
        return
    async with databases(request.getfixturevalue("mongodb_url")) as found:
        yield await mongo_store(found, keys.public_key_file)


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
async def there() -> AsyncIterator[Interface]:
    """The HTTP interface on fakes; Apple knows Marie's account."""
    store, apple, workers = FakeConnections(), FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}), FakeWorkers()
    attempts = FakeAttempts()
    async with client_of(interface(store, apple, workers, attempts)) as http:
        yield Interface(http, store, apple, workers, attempts)
