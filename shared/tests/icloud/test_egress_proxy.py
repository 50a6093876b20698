"""The client through the proxy that is deployed, a real one; and what that proxy lets through."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from shared.tests.icloud.certificates import certificate, serving_with
from shared.tests.icloud.envoy import DEPLOYED, Proxy, egress_proxy, program
from shared.tests.icloud.scripted import PATIENCE

from icloud import AppleCredential, Endpoint, ICloud, Unreachable
from icloud_simulator.client import SimulatorAdmin
from icloud_simulator.simulator import Options, Simulator
from local_stack.ports import free_ports
from local_stack.waiting import wait_until

pytestmark = pytest.mark.servers

CREDENTIAL = AppleCredential("jane.canary@icloud.com", "cana-rypa-sswo-rdxx")
TRUSTED = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class World:
    """The simulator behind TLS, as Apple is; its entry and its partitions are hosts below localhost."""

    port: int
    ca_file: Path

    def endpoint(self, proxy: Proxy, host: str = "caldav.localhost", *, ca_file: Path | None = None) -> Endpoint:
        return Endpoint(f"https://{host}:{self.port}/", TRUSTED, ca_file or self.ca_file, proxy.url)


@asynccontextmanager
async def in_tls(port: int, file: Path, simulator: Simulator) -> AsyncIterator[None]:
    """Carries what comes in TLS over to the simulator."""

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while some := await source.read(65_536):
                sink.write(some)
                await sink.drain()
        finally:
            sink.close()

    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, behind = simulator.url.removeprefix("http://").strip("/").partition(":")
        there, here = await asyncio.open_connection(host, int(behind))
        await asyncio.gather(carry(reader, here), carry(there, writer), return_exceptions=True)

    server = await asyncio.start_server(carried, "127.0.0.1", port, ssl=serving_with(file))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def enrol(admin_url: str) -> None:
    with SimulatorAdmin(admin_url) as admin:
        admin.create_account(CREDENTIAL.apple_id, app_password=CREDENTIAL.app_password, default_calendars=True)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    (port,) = free_ports(1)
    file = certificate(tmp_path_factory.mktemp("tls"), "caldav.localhost", "p42-caldav.localhost", "localhost")
    options = Options(port=0, admin_port=0, demo=False, partition_base=f"https://p42-caldav.localhost:{port}")
    async with Simulator(options) as simulator, in_tls(port, file, simulator):
        await asyncio.to_thread(enrol, simulator.admin_url)
        yield World(port, file)


@pytest.fixture(scope="module")
def proxy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with egress_proxy(tmp_path_factory.mktemp("proxy"), allowed=f"*.localhost:{world.port}") as running:
        yield running


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with egress_proxy(tmp_path_factory.mktemp("deployed")) as running:
        yield running


async def test_calendars_are_listed_through_tunnels_to_the_hosts_that_are_allowed(tmp_path: Path, world: World) -> None:
    hosts = [f"{name}.localhost:{world.port}" for name in ("caldav", "p42-caldav")]

    with egress_proxy(tmp_path, allowed=f"*.localhost:{world.port}") as proxy:
        async with ICloud(world.endpoint(proxy), budget=PATIENCE) as icloud:
            account = icloud.account(CREDENTIAL)
            listed = await account.calendars()
            again = await account.calendars()
        await asyncio.to_thread(wait_until, lambda: len(proxy.said()) >= len(hosts), seconds=30)

    assert listed == again
    assert any(calendar.path.endswith("/home/") for calendar in listed)
    assert account.home is not None
    assert account.home.origin == f"https://{hosts[1]}"
    # One tunnel for each host, kept for the next question; and what is asked within is nowhere to be seen.
    assert sorted(line["host"] for line in proxy.said()) == hosts
    assert {(line["event"], line["method"], line["status"]) for line in proxy.said()} == {("tunnel", "CONNECT", 200)}
    logged = proxy.log.read_text()
    assert not any(word in logged for word in ("canary", "PROPFIND", "principal", CREDENTIAL.basic()))


async def test_a_host_that_is_not_listed_is_refused_and_is_to_be_tried_later(world: World, proxy: Proxy) -> None:
    async with ICloud(world.endpoint(proxy, "127.0.0.1"), budget=PATIENCE) as icloud:
        with pytest.raises(Unreachable, match="proxy_refused"):
            await icloud.account(CREDENTIAL).calendars()


async def test_a_host_that_the_proxy_does_not_reach_is_to_be_tried_later(tmp_path: Path, world: World) -> None:
    (nobodys,) = free_ports(1)

    with egress_proxy(tmp_path, allowed=f"*.localhost:{nobodys}") as proxy:
        async with ICloud(World(nobodys, world.ca_file).endpoint(proxy), budget=PATIENCE) as icloud:
            with pytest.raises(Unreachable, match="proxy_failed"):
                await icloud.account(CREDENTIAL).calendars()


async def test_the_certificate_is_looked_at_by_the_client_whoever_carries_it(
    world: World, proxy: Proxy, tmp_path: Path
) -> None:
    somebody_elses = certificate(tmp_path, "caldav.localhost")
    for endpoint in (world.endpoint(proxy, ca_file=somebody_elses), world.endpoint(proxy, "p43-caldav.localhost")):
        async with ICloud(endpoint, budget=PATIENCE) as icloud:
            with pytest.raises(Unreachable, match="tls"):
                await icloud.account(CREDENTIAL).calendars()


@pytest.mark.parametrize(
    "head",
    [
        "CONNECT caldav.icloud.com:80 HTTP/1.1\nHost: caldav.icloud.com:80",
        "CONNECT caldav.icloud.com:22 HTTP/1.1\nHost: caldav.icloud.com:22",
        "CONNECT caldav.icloud.com HTTP/1.1\nHost: caldav.icloud.com",
        "CONNECT evilicloud.com:443 HTTP/1.1\nHost: evilicloud.com:443",
        "CONNECT caldav.icloud.com.evil.example:443 HTTP/1.1\nHost: caldav.icloud.com.evil.example:443",
        "CONNECT caldav.icloud.com.:443 HTTP/1.1\nHost: caldav.icloud.com.:443",
        "CONNECT evil.example:443 HTTP/1.1\nHost: caldav.icloud.com:443",
        "CONNECT evil.example:1@caldav.icloud.com:443 HTTP/1.1\nHost: caldav.icloud.com:443",
        "CONNECT evil.example:443#.icloud.com:443 HTTP/1.1\nHost: caldav.icloud.com:443",
        "CONNECT 17.248.190.1:443 HTTP/1.1\nHost: 17.248.190.1:443",
        "CONNECT 127.0.0.1:443 HTTP/1.1\nHost: 127.0.0.1:443",
        "CONNECT [::1]:443 HTTP/1.1\nHost: [::1]:443",
        "CONNECT 169.254.169.254:443 HTTP/1.1\nHost: 169.254.169.254:443",
        "GET http://caldav.icloud.com/ HTTP/1.1\nHost: caldav.icloud.com",
        "GET http://caldav.icloud.com:443/ HTTP/1.1\nHost: caldav.icloud.com:443",
        "GET / HTTP/1.1\nHost: caldav.icloud.com:443",
        "GET / HTTP/1.1\nHost: caldav.icloud.com:443\nConnection: upgrade\nUpgrade: websocket",
    ],
)
def test_as_deployed_it_refuses_all_but_tunnels_to_apples_hosts_on_port_443(deployed: Proxy, head: str) -> None:
    assert deployed.answer(head) in {400, 403}


def test_it_is_the_version_that_is_deployed() -> None:
    said = subprocess.run([program(), "--version"], check=True, capture_output=True, text=True).stdout
    (deployed,) = re.findall(r"image: envoyproxy/envoy:distroless-v(\S+)", (DEPLOYED / "egress-proxy.yaml").read_text())

    assert f"/{deployed}/" in said
