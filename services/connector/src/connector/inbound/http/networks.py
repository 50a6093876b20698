"""From which network a request comes: the neighbourhood that an attacker can easily have all addresses of."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_V4_PREFIX: Final = 24
_V6_PREFIX: Final = 56
"""What providers give to one customer at most as a rule (RFC 6177)."""
_OWN: Final = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.168.0.0/16", "::/128", "::1/128", "fc00::/7", "fe80::/10"),
        ),
    )
)
"""Of machines and clusters: whoever comes from there comes through something of ours, and may be anybody."""

_network: ContextVar[str | None] = ContextVar("network", default=None)


def present_network() -> str | None:
    """The network that the request in hand comes from; None where that is not known."""
    return _network.get()


class Networks:
    """Middleware: lets `present_network` tell, for everything that a request sets off.

    The address is the socket's. Where that is a trusted proxy's, it is the last one in X-Forwarded-For that is not:
    what stands before it anybody can have written.
    """

    def __init__(self, app: Application, trusted: Sequence[Network] = ()) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serve the request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        token = _network.set(network_of(self._client(scope)))
        try:
            await self._app(scope, receive, send)
        finally:
            _network.reset(token)

    def _client(self, scope: Message) -> Address | None:
        socket = scope.get("client") or ("",)
        client = _address(socket[0])
        hops = [hop for name, value in scope["headers"] if name == b"x-forwarded-for" for hop in value.split(b",")]
        while client is not None and self._trusts(client) and hops:
            before = _address(hops.pop().decode("latin-1").strip())
            if before is None:
                break
            client = before
        return client

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def network_of(address: Address | None) -> str | None:
    """The /24 or /56 around an address; None for none, and for addresses that only mean something inside a network."""
    if address is None or any(address in own for own in _OWN):
        return None
    prefix = _V4_PREFIX if address.version == 4 else _V6_PREFIX  # noqa: PLR2004 - the version's own number
    return str(ip_network((address, prefix), strict=False))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
