from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_network
from typing import Any

import pytest

from connector.inbound.http.networks import Networks, present_network

Message = MutableMapping[str, Any]
PROXIES = ("10.0.0.0/8", "2001:db8:1::/48")


async def seen(client: tuple[str, int] | None, *forwarded: str, trusted: tuple[str, ...] = ()) -> str | None:
    """The network that a request from `client` with these headers comes from."""
    told: list[str | None] = []

    async def application(_scope: Message, _receive: Receive, _send: Send) -> None:
        told.append(present_network())

    async def receive() -> Message:
        return {}

    async def send(_: Message) -> None:
        """Nobody answers."""

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": client, "headers": headers}
    await Networks(application, [ip_network(one) for one in trusted])(scope, receive, send)
    [network] = told
    return network


Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:aa:bbcc::1", "2001:db8:aa:bb00::/56"),
    ],
)
async def test_a_network_is_what_one_attacker_easily_has_all_of(address: str, network: str) -> None:
    assert await seen((address, 4_000)) == network


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fe80::1", "fd00::1", ""]
)
async def test_an_address_of_our_own_network_stands_for_nobody(address: str) -> None:
    assert await seen((address, 4_000)) is None


async def test_a_socket_without_an_address_stands_for_nobody() -> None:
    assert await seen(None) is None


async def test_what_a_client_says_about_itself_is_not_believed() -> None:
    assert await seen(("198.51.100.7", 1), "203.0.113.5") == "198.51.100.0/24"
    assert await seen(("127.0.0.1", 1), "203.0.113.5") is None


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        (("203.0.113.5",), "203.0.113.0/24"),
        (("192.0.2.1, 203.0.113.5",), "203.0.113.0/24"),  # the first one was written by the client
        (("203.0.113.5, 10.9.9.9",), "203.0.113.0/24"),  # two proxies in a row
        (("203.0.113.5", "2001:db8:1::5"), "203.0.113.0/24"),
        (("10.9.9.9",), None),
        (("nonsense",), None),
        (("203.0.113.5, nonsense",), None),
        ((), None),
    ],
)
async def test_a_trusted_proxy_tells_who_came_to_it(forwarded: tuple[str, ...], network: str | None) -> None:
    assert await seen(("10.0.0.1", 1), *forwarded, trusted=PROXIES) == network


async def test_after_a_request_its_network_is_forgotten() -> None:
    await seen(("198.51.100.7", 1))

    assert present_network() is None
