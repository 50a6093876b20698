"""Scripted servers and real ones, and a client that trusts them."""

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from shared.tests.icloud.scripted import HOME, PATIENCE, Opening, Script, Scripted, golden, home_set, serving

from caldav_servers import Person, Server, radicale, simulator, xandikos
from icloud import Account, AppleCredential, Budget, Endpoint, Home, ICloud


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    async with serving(script.answer) as port:
        script.origin = f"http://127.0.0.1:{port}"
        yield script


@pytest.fixture
async def other_script() -> AsyncIterator[Script]:
    """A second host: reached under another loopback name."""
    script = Script()
    async with serving(script.answer) as port:
        script.origin = f"http://p42-caldav.localhost:{port}"
        yield script


@pytest.fixture
def credential() -> AppleCredential:
    return AppleCredential("jane.doe@icloud.com", "abcd-efgh-ijkl-mnop")


@pytest.fixture
def opened() -> Opening:
    """Opens a client for an entry URL, trusting loopback hosts."""

    @asynccontextmanager
    async def opening(entry: str, *, budget: Budget = PATIENCE, ca_file: Path | None = None) -> AsyncIterator[ICloud]:
        async with ICloud(Endpoint(entry, ("127.0.0.1", "localhost"), ca_file), budget=budget) as icloud:
            yield icloud

    return opening


@pytest.fixture
def apple(script: Script, other_script: Script) -> tuple[Script, Script]:
    """An entry host and a partition host that answer in Apple's shapes."""
    script.on("PROPFIND", "/", Scripted(body=golden("principal.xml")))
    script.on("PROPFIND", "/20451177/principal/", Scripted(body=home_set(other_script.origin)))
    listing = Scripted(body=gzip.compress(golden("calendars.xml")), headers={"Content-Encoding": "gzip"})
    other_script.on("PROPFIND", "/20451177/calendars/", listing)
    return script, other_script


@pytest.fixture
async def account(script: Script, opened: Opening, credential: AppleCredential) -> AsyncIterator[Account]:
    """An account whose home was found earlier, on a server that answers nothing else."""
    async with opened(f"{script.origin}/", budget=Budget(body_bytes=20_000, object_bytes=5_000)) as icloud:
        yield icloud.account(credential, Home("/20451177/principal/", script.origin, HOME, ()))


SERVERS: dict[str, Callable[[Path], AbstractAsyncContextManager[Server]]] = {
    "radicale": radicale,
    "xandikos": xandikos,
    "simulator": lambda _: simulator(),
}


@pytest.fixture(scope="session", params=SERVERS)
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Each of the servers that others wrote, and the simulator."""
    async with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
async def person(server: Server) -> Person:
    return await server.person()
