"""Through a proxy: what it is told, and what its own trouble means. A real one is in test_egress_proxy.py."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from shared.tests.icloud.raw_server import Talk, one_request, raw_server
from shared.tests.icloud.scripted import HOME
from shared.tests.icloud.transports import BASIC, CREDENTIAL, TIGHT

from icloud import Account, Endpoint, Errand, Fate, Home, ICloud, ICloudError, Outcome, TryLater, Unreachable
from icloud.addresses import CheckedAddresses
from icloud.gate import Target, UrlRefused, proxy_host
from runtime.settings import SettingsInvalid, load
from runtime.settings.icloud import ICloudSettings

ENTRY = "https://caldav.localhost:8443/"
TRUSTED = ("localhost", "127.0.0.1")


class Listener:
    """A turnstile that lets everything through and hears how it went."""

    def __init__(self) -> None:
        self.heard: list[tuple[Errand, Outcome]] = []

    async def admit(self, errand: Errand) -> None: ...

    def left(self, errand: Errand, outcome: Outcome) -> None:
        self.heard.append((errand, outcome))


def saying(answer: bytes, told: list[bytes]) -> Talk:
    """A proxy that gives the same answer to everybody, and keeps what it was told."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(await one_request(reader))
        writer.write(answer)
        await writer.drain()

    return talk


@asynccontextmanager
async def through(proxy_url: str) -> AsyncIterator[tuple[Account, Listener]]:
    """An account whose home is known, behind a proxy."""
    heard = Listener()
    async with ICloud(Endpoint(ENTRY, TRUSTED, proxy_url=proxy_url), budget=TIGHT) as icloud:
        home = Home("/20451177/principal/", "https://p42-caldav.localhost:8443", HOME, ())
        yield icloud.account(CREDENTIAL, home, turnstile=heard), heard


async def failure(proxy_url: str) -> tuple[ICloudError, Listener]:
    async with through(proxy_url) as (account, heard):
        with pytest.raises(ICloudError) as error:
            await account.calendars()
    return error.value, heard


async def test_a_proxy_is_told_the_host_and_nothing_else() -> None:
    told: list[bytes] = []

    async with raw_server(saying(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", told)) as proxy_url:
        await failure(proxy_url)

    lines = [one.decode().split("\r\n") for one in told]
    assert [one[0] for one in lines] == [
        "CONNECT p42-caldav.localhost:8443 HTTP/1.1",
        "CONNECT caldav.localhost:8443 HTTP/1.1",
    ]
    headers = {line.partition(":")[0].lower() for one in lines for line in one[1:] if line}
    assert headers == {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "refused"), (403, "refused"), (407, "refused"), (302, "failed"), (500, "failed"), (503, "failed")],
)
async def test_what_a_proxy_says_is_never_apples_word(status: int, reason: str) -> None:
    told: list[bytes] = []
    answer = f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nLocation: https://evil.example/\r\n\r\n".encode()

    async with raw_server(saying(answer, told)) as proxy_url:
        error, heard = await failure(proxy_url)

    assert isinstance(error, Unreachable)
    assert (error.after, str(error)) == (None, f"proxy_{reason}")
    # The breaker counts it, as it counts any host that nobody reaches.
    assert [(outcome.fate, outcome.status) for _, outcome in heard.heard] == [(Fate.LOST, None)] * 2


async def test_a_proxy_that_is_away_is_a_host_that_is_not_reached() -> None:
    error, heard = await failure("http://127.0.0.1:1")

    assert isinstance(error, Unreachable)
    assert str(error) == "proxy_unreachable"
    assert {outcome.fate for _, outcome in heard.heard} == {Fate.LOST}


async def test_a_proxy_that_hangs_up_or_is_silent_is_waited_for_no_longer_than_any_host() -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await one_request(reader)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(hang_up) as one, raw_server(silent) as other:
        gone, _ = await failure(one)
        late, _ = await failure(other)

    assert (type(gone), str(gone)) == (Unreachable, "connection_lost")
    assert (type(late), str(late)) == (TryLater, "timeout")


async def test_a_tunnel_to_nobody_who_speaks_tls_is_no_connection() -> None:
    told: list[bytes] = []

    async with raw_server(saying(b"HTTP/1.1 200 OK\r\n\r\n", told)) as proxy_url:
        error, _ = await failure(proxy_url)

    assert isinstance(error, Unreachable)
    assert not any(b"Basic" in one for one in told)


async def test_no_error_holds_a_url_or_the_credential() -> None:
    refusing = saying(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", [])

    async with raw_server(refusing) as proxy_url:
        texts = [
            "".join(traceback.format_exception((await failure(url))[0])) for url in (proxy_url, "http://127.0.0.1:1")
        ]

    assert not any(part in text for text in texts for part in ("canary", BASIC, "://", "caldav.localhost"))


def test_through_a_proxy_nothing_is_sent_that_it_could_read() -> None:
    endpoint = Endpoint(ENTRY, TRUSTED, proxy_url="http://egress-proxy:3128")

    with pytest.raises(ValueError, match="entry URL"):
        Endpoint("http://127.0.0.1:5232/", TRUSTED, proxy_url="http://egress-proxy:3128")
    with pytest.raises(UrlRefused):
        endpoint.gate().admit("http://p42-caldav.localhost:8443/")

    assert endpoint.gate().admit(ENTRY) == Target("https://caldav.localhost:8443", "/")


async def test_a_home_on_a_host_in_plain_is_not_gone_to_through_a_proxy() -> None:
    async with ICloud(Endpoint(ENTRY, TRUSTED, proxy_url="http://127.0.0.1:1"), budget=TIGHT) as icloud:
        home = Home("/20451177/principal/", "http://localhost:5232", HOME, ())

        with pytest.raises(TryLater, match="proxy_unreachable"):  # it went on to the entry, which is spoken to in TLS
            await icloud.account(CREDENTIAL, home).calendars()


async def test_the_proxys_name_may_lead_into_our_own_network_and_no_other() -> None:
    gate = Endpoint("https://caldav.icloud.com/", ("icloud.com",)).gate()
    resolver = CheckedAddresses(gate, "localhost")

    found = await resolver.resolve("localhost", 3128)

    assert {result["host"] for result in found} <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="address"):
        await CheckedAddresses(gate, "egress-proxy").resolve("localhost", 3128)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://egress-proxy:3128", "egress-proxy"),
        ("http://Egress-Proxy.calsync.svc:3128/", "egress-proxy.calsync.svc"),
        ("http://10.0.0.7:80", "10.0.0.7"),
        ("http://[fd00::7]:65535", "fd00::7"),
    ],
)
def test_a_proxy_is_a_host_with_its_port(url: str, host: str) -> None:
    assert proxy_host(url) == host
    assert load(ICloudSettings, {"CALSYNC_ICLOUD_PROXY_URL": url}).endpoint().proxy_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://egress-proxy:3128",
        "socks5://egress-proxy:3128",
        "egress-proxy:3128",
        "http://egress-proxy",
        "http://egress-proxy:0",
        "http://egress-proxy:65536",
        "http://user:canary@egress-proxy:3128",
        "http://canary@egress-proxy:3128",
        "http://egress-proxy:3128/canary",
        "http://egress-proxy:3128?canary",
        "http://egress_proxy :3128",
        "http://:3128",
        "http://egress-proxy:3128\n",
    ],
)
def test_anything_else_is_no_proxy_and_is_told_at_the_start(url: str) -> None:
    with pytest.raises(SettingsInvalid) as invalid:
        load(ICloudSettings, {"CALSYNC_ICLOUD_PROXY_URL": url})

    (mistake,) = invalid.value.mistakes
    assert mistake.startswith("CALSYNC_ICLOUD_PROXY_URL: expected http://host:port")
    assert "canary" not in mistake
    with pytest.raises(ValueError, match="proxy"):
        Endpoint("https://caldav.icloud.com/", ("icloud.com",), proxy_url=url)


def test_without_a_proxy_there_is_none() -> None:
    settings = load(ICloudSettings, {})

    assert settings.endpoint() == Endpoint("https://caldav.icloud.com/", ("icloud.com", "icloud.com.cn"))
    assert settings.endpoint().proxy_url is None


def test_plain_http_and_a_proxy_do_not_go_together() -> None:
    told = {
        "CALSYNC_ICLOUD_URL": "http://127.0.0.1:8090/",
        "CALSYNC_ICLOUD_TRUSTED_HOSTS": "127.0.0.1",
        "CALSYNC_ICLOUD_PROXY_URL": "http://egress-proxy:3128",
    }

    with pytest.raises(SettingsInvalid, match="through no proxy"):
        load(ICloudSettings, told)
