"""What the connector costs: connecting people while Apple takes 150 ms for each answer, and showing pages.

    python -P benchmarks/connector.py [--connects 400] [--pages 400]

It starts a MongoDB, a Kafka, an iCloud simulator and one connector of its own, and stops them. The asking and the
servers share the machine with the connector, so that rates on the clock say little: a process serves as many a second
as its own CPU allows, which is measured, too. As a baseline for connecting stands what nobody can do without: the same
discovery by our own client, on one event loop. Exit code 1 where CPU, requests, failures or bytes miss their goal.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for benchmarks.lib

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import quantiles
from time import perf_counter, process_time

import aiohttp
import psutil
import uvloop
from benchmarks.lib.worker_results import Results, shown, tell
from benchmarks.lib.worker_servers import Servers, servers
from benchmarks.lib.worker_world import TRUSTED
from rich.console import Console

from connector.inbound.pages.session import COOKIE
from icloud import AppleCredential, Endpoint, ICloud
from icloud.credentials import new_signing_pair
from icloud_simulator.client import SimulatedAccount
from local_stack.ports import HOST, free_ports
from local_stack.tokens import AUDIENCE, EVERY_SCOPE, ISSUER, TokenKeys

LATENCY_SECONDS = 0.15
AT_ONCE, PAGES_AT_ONCE = 64, 8
RATE_GOAL = 50
CPU_GOAL_MS = 1e3 / RATE_GOAL
PAGE_GOAL_BYTES = 50_000
API, LIST = "/v1/connections", "/calendars/settings/connections"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A connector process."""

    process: psutil.Process
    url: str

    def cpu(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def megabytes(self) -> float:
        return float(self.process.memory_info().rss) / 2**20


@dataclass(frozen=True, slots=True)
class Spent:
    """What some calls cost the connector, and how long each took whoever asked."""

    took: Sequence[float]
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1e3 * self.cpu / len(self.took)

    def percentiles(self) -> tuple[str, str]:
        cuts = quantiles(self.took, n=100)
        return f"{1e3 * cuts[49]:,.0f}", f"{1e3 * cuts[98]:,.0f}"


@contextlib.asynccontextmanager
async def connector(running: Servers, keys: TokenKeys, folder: Path) -> AsyncIterator[Running]:
    """One process; it is ready."""
    (folder / "connector.key").write_bytes(secrets.token_bytes(32))
    port, ops = free_ports(2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "connector"),
        env={
            "PATH": os.environ["PATH"],
            "CALSYNC_MONGODB_URL": running.mongodb_url,
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": running.bootstrap_servers,
            "CALSYNC_ICLOUD_URL": running.apple_url,
            "CALSYNC_ICLOUD_TRUSTED_HOSTS": ",".join(TRUSTED),
            "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(running.keys.public_key_file),
            "CALSYNC_VAULT_SIGNING_KEY_FILE": str(new_signing_pair(folder).signing_key_file),
            "CALSYNC_CONNECTOR_KEY_FILE": str(folder / "connector.key"),
            "CALSYNC_AUTH_ISSUER": ISSUER,
            "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
            "CALSYNC_AUTH_JWKS": str(keys.jwks_file),
            "CALSYNC_HTTP_HOST": HOST,
            "CALSYNC_HTTP_PORT": str(port),
            "CALSYNC_OPS_HOST": HOST,
            "CALSYNC_OPS_PORT": str(ops),
            "CALSYNC_LOG_LEVEL": "WARNING",
        },
    )
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_SECONDS):
            while not await _ready(session, f"http://{HOST}:{ops}/readyz"):
                assert process.returncode is None, "the connector ended at once"
                await asyncio.sleep(0.05)
        yield Running(psutil.Process(process.pid), f"http://{HOST}:{port}")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def spent(calls: Sequence[Callable[[], Awaitable[object]]], at_once: int, cpu: Callable[[], float]) -> Spent:
    """What the calls cost, so many of them under way at any time."""
    took: list[float] = []
    waiting = iter(calls)

    async def lane() -> None:
        for call in waiting:
            began = perf_counter()
            await call()
            took.append(perf_counter() - began)

    began, before = perf_counter(), cpu()
    await asyncio.gather(*(lane() for _ in range(at_once)))
    return Spent(took, perf_counter() - began, cpu() - before)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and where it is noted."""

    servers: Servers
    connector: Running
    keys: TokenKeys
    session: aiohttp.ClientSession
    results: Results

    def token(self, user: int) -> str:
        """Each account has one user: its limits on attempts are its own."""
        claims = {"sub": f"user-{user}", "account_id": f"account-{user}", "scope": EVERY_SCOPE}
        return self.keys.token(claims, timedelta(hours=1))

    async def connect(self, user: int, owner: SimulatedAccount) -> None:
        body = {"apple_id": owner.apple_id, "app_password": owner.app_password}
        body |= {"access": "full", "time_zone": "Europe/Paris"}
        bearer = {"Authorization": f"Bearer {self.token(user)}"}
        async with self.session.post(f"{self.connector.url}{API}", json=body, headers=bearer) as answer:
            assert answer.status == 201, await answer.text()

    async def page(self, user: int, path: str) -> str:
        """As it is sent to who takes no compression."""
        cookie = {"Cookie": f"{COOKIE}={self.token(user)}", "Accept-Encoding": "identity"}
        async with self.session.get(f"{self.connector.url}{path}", headers=cookie) as answer:
            assert answer.status == 200, path
            return await answer.text()

    async def loaded(self, user: int, page: str) -> int:
        """Bytes of the styles and scripts that a page names."""
        named = re.findall(r'(?:href|src)="([^"]+[.](?:css|js)[^"]*)"', page)
        return sum([len((await self.page(user, path)).encode()) for path in named])


async def measure_connects(bench: Bench, owners: Sequence[SimulatedAccount]) -> None:
    table = bench.results.table(
        f"Connecting, Apple takes {1e3 * LATENCY_SECONDS:.0f} ms for each answer",
        f"≥ {RATE_GOAL}/s and process: ≤ {CPU_GOAL_MS:.0f} ms CPU each",
        *("way", "connects", "a second", "p50 ms", "p99 ms", "CPU ms each", "a second and core", "requests each"),
    )
    bench.servers.admin.set_faults(latency_seconds=LATENCY_SECONDS)
    discovered = await measure_discovery(bench, owners)
    found = bench.servers.admin.totals()
    bench.servers.admin.forget_requests()
    tell(f"connecting {len(owners)} people")
    # The first few pay for connections and for code that never ran before.
    for user in range(10):
        await bench.connect(user, owners[user])
    calls = [partial(bench.connect, user, owner) for user, owner in list(enumerate(owners))[10:]]
    connected = await spent(calls, AT_ONCE, bench.connector.cpu)
    for way, cost, totals in (
        ("discovery alone (baseline)", discovered, found),
        ("POST /v1/connections", connected, bench.servers.admin.totals()),
    ):
        requests = sum(one["requests"] for one in totals) / len(owners)
        table.add_row(
            *(way, f"{len(cost.took):,}", f"{cost.rate:,.0f}", *cost.percentiles()),
            *(shown(cost.cpu_ms), f"{1e3 / cost.cpu_ms:,.0f}", shown(requests)),
        )
        bench.results.hold(f"{way}: requests to Apple each", requests, 4)
    bench.results.hold("connect: CPU ms", connected.cpu_ms, CPU_GOAL_MS)
    bench.servers.admin.clear_faults()


async def measure_discovery(bench: Bench, owners: Sequence[SimulatedAccount]) -> Spent:
    tell(f"discovering {len(owners)} accounts without the connector")
    bench.servers.admin.forget_requests()
    async with ICloud(Endpoint(bench.servers.apple_url, TRUSTED)) as icloud:

        async def discover(owner: SimulatedAccount) -> None:
            account = icloud.account(AppleCredential.typed(owner.apple_id, owner.app_password))
            await account.discover()
            await account.calendars()

        return await spent([partial(discover, owner) for owner in owners], AT_ONCE, process_time)


async def measure_pages(bench: Bench, pages: int) -> None:
    table = bench.results.table(
        "Showing pages to people who are signed in",
        f"≤ {PAGE_GOAL_BYTES:,} bytes each, styles and scripts included",
        *("page", "bytes", "styles, scripts", "a second", "p50 ms", "p99 ms", "CPU ms each", "a second and core"),
    )
    bearer = {"Authorization": f"Bearer {bench.token(0)}"}
    async with bench.session.get(f"{bench.connector.url}{API}", headers=bearer) as answer:
        one = (await answer.json())["items"][0]["id"]
    for name, path, user in (
        ("list, nothing connected", LIST, -1),
        ("connect", f"{LIST}/new/icloud", -1),
        ("connection", f"{LIST}/{one}", 0),
        ("setup", f"{LIST}/{one}/setup", 0),
    ):
        tell(f"showing the page: {name}")
        page = await bench.page(user, path)
        size, loaded = len(page.encode()), await bench.loaded(user, page)
        cost = await spent([partial(bench.page, user, path)] * pages, PAGES_AT_ONCE, bench.connector.cpu)
        table.add_row(
            *(name, f"{size:,}", f"{loaded:,}", f"{cost.rate:,.0f}", *cost.percentiles()),
            *(shown(cost.cpu_ms), f"{1e3 / cost.cpu_ms:,.0f}"),
        )
        bench.results.hold(f"page {name}: bytes", size + loaded, PAGE_GOAL_BYTES)


async def measure(running: Servers, folder: Path, arguments: argparse.Namespace) -> Results:
    keys, results = TokenKeys(folder), Results()
    keys.make()
    owners = await asyncio.to_thread(lambda: [running.admin.create_account() for _ in range(arguments.connects)])
    unlimited = aiohttp.TCPConnector(limit=0)
    async with connector(running, keys, folder) as process, aiohttp.ClientSession(connector=unlimited) as session:
        bench = Bench(running, process, keys, session, results)
        await measure_connects(bench, owners)
        await measure_pages(bench, arguments.pages)
        results.tables[-1].caption = f"{results.tables[-1].caption}; memory then: {process.megabytes():.0f} MB"
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--connects", type=int, default=400)
    parser.add_argument("--pages", type=int, default=400)
    arguments = parser.parse_args()
    tell("starting MongoDB, Kafka and the simulator")
    with servers() as running, tempfile.TemporaryDirectory(prefix="calsync-bench-") as name:
        results = uvloop.run(measure(running, Path(name), arguments))
    console = Console(width=120)
    for table in results.tables:
        console.print(table)
    print("\n".join(results.missed) or "All counts and CPU within their goals.")
    return 1 if results.missed else 0


if __name__ == "__main__":
    sys.exit(main())
