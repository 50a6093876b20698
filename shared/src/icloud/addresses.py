"""The resolver that looks at addresses before anything connects to them.

The gate trusts names; whoever answers DNS could still point a trusted name into our own network. The transport
connects to nothing but what this resolver returned, so nothing can change between check and connection.
Behind a proxy the proxy looks the trusted names up, and its own name is the only one that is asked for here.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

from icloud.gate import Gate

_LOOKUP_SECONDS = 10.0
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052 §2.1: the last 32 bits are an IPv4 address
_LOCALHOST = ("127.0.0.1", "::1")


class AddressRefused(OSError):
    """A trusted name has no address that may be connected to."""


class CheckedAddresses(AbstractResolver):
    """Global addresses for trusted names, loopback addresses for listed loopback names, any for our own proxy's."""

    def __init__(self, gate: Gate, proxy: str | None = None) -> None:
        self._gate = gate
        self._proxy = proxy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raise AddressRefused if every address is refused, OSError if there is none."""
        if host == self._proxy:
            # Named by us and told nothing in plain, and at home in our own network.
            return [_result(host, port, ip_address(each)) for each in await _looked_up(host, port, family)]
        loopback = self._gate.is_loopback(host)
        found = _LOCALHOST if loopback else await _looked_up(host, port, family)
        allowed = [address for address in map(ip_address, found) if loopback or is_global(address)]
        if not allowed:
            raise AddressRefused("no address of the host may be connected to")
        return [_result(host, port, address) for address in allowed]

    async def close(self) -> None:
        """Nothing is held."""


def is_global(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address lies in the public internet, also when an IPv4 address is wrapped into IPv6."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_global(wrapped)
    return address.is_global and not address.is_multicast


async def _looked_up(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_LOOKUP_SECONDS):
        infos = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    # A scoped address (fe80::1%eth0) is link-local and refused with the rest.
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


def _result(host: str, port: int, address: IPv4Address | IPv6Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
