"""The one gate for every URL that configuration or a server names: credentials go nowhere else.

A server's answer names the hosts that the next request carries the password to. So each URL is read by two parsers
that must agree, its host must be trusted, and what is sent is built from the parts that were checked.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from yarl import URL

_DEFAULT_PORTS = {"https": 443, "http": 80}
_ANY_SCHEME = frozenset(_DEFAULT_PORTS)
_END_TO_END = frozenset({"https"})
_MAX_LENGTH = 4_096
# Printable ASCII without space, and without what parsers disagree about: backslash, quotes, brackets, braces, caret…
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[::1\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# A loopback address or name, with a port or without.
_LOOPBACK = re.compile(rf"(?P<host>\[::1\]|127(?:\.\d{{1,3}}){{3}}|(?:{_LABEL}\.)*localhost)(?::(?P<port>\d{{1,5}}))?")

_PROXY = re.compile(rf"http://(?P<host>\[[0-9a-f:.]+\]|{_LABEL}(?:\.{_LABEL})*):(?P<port>[1-9][0-9]{{0,4}})/?")
_MOST_PORTS = 65_535


class UrlRefused(Exception):
    """A URL that must not be asked. Does not hold the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed the gate: `origin` always with its port, `path` encoded and with its query."""

    origin: str
    path: str

    def url(self) -> URL:
        """As the transport takes it, sent exactly as it was checked."""
        return URL(self.origin + self.path, encoded=True)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where discovery begins, and which hosts may see credentials.

    `trusted_hosts` holds suffixes (`icloud.com` stands for itself and all below it; https on port 443 alone) and
    loopback hosts (`127.0.0.1`, `[::1]`, `localhost` and all below it, each also as `host:port`; http too, any port).
    `proxy_url` (`http://host:port`) is who opens a tunnel to each host (CONNECT, RFC 9110 §9.3.6); through one https
    alone is spoken, so that a proxy never reads anything. Raise ValueError for a wrong entry, or for an entry URL that
    is not trusted.
    """

    entry_url: str
    trusted_hosts: tuple[str, ...]
    ca_file: Path | None = None
    proxy_url: str | None = None

    def __post_init__(self) -> None:
        if self.proxy_url is not None:
            proxy_host(self.proxy_url)
        for host in self.trusted_hosts:
            # A suffix of one label (`com`) would trust half the world.
            if not _LOOPBACK.fullmatch(host) and (not _NAME.fullmatch(host) or "." not in host or _is_address(host)):
                raise ValueError("a trusted host is neither the suffix of a host name nor a loopback host")
        try:
            self.gate().admit(self.entry_url)
        except UrlRefused:
            raise ValueError("the entry URL is not on a trusted host, or no https URL") from None

    def gate(self) -> "Gate":
        """The gate for all that is reached from here."""
        return Gate(self.trusted_hosts, _ANY_SCHEME if self.proxy_url is None else _END_TO_END)


def proxy_host(url: str) -> str:
    """The host of `http://host:port`, as a resolver is asked for it.

    Raise ValueError for anything else: a proxy is told no password and no path, and what it carries is encrypted
    without it.
    """
    match = _PROXY.fullmatch(url.lower())
    if match is None or int(match["port"]) > _MOST_PORTS:
        raise ValueError("a proxy is written as http://host:port")
    return match["host"].strip("[]")


class Gate:
    """Decides which URLs may be asked with credentials."""

    def __init__(self, trusted_hosts: tuple[str, ...], schemes: frozenset[str] = _ANY_SCHEME) -> None:
        self._schemes = schemes
        loopback = [match.groups() for host in trusted_hosts if (match := _LOOPBACK.fullmatch(host))]
        self._loopback_ports = {host: {port for name, port in loopback if name == host} for host, _ in loopback}
        self._suffixes = tuple(f".{host}" for host in trusted_hosts if not _LOOPBACK.fullmatch(host))

    def admit(self, url: str, *, base: Target | None = None) -> Target:
        """Resolve against `base` and check. Raise UrlRefused."""
        joined = _joined(url, base)
        scheme, host, port, path = _agreed(joined)
        if not self._trusted(scheme, host, port):
            raise UrlRefused
        return Target(f"{scheme}://{host}:{port}", path)

    def is_loopback(self, host: str) -> bool:
        """Tell whether `host` is a loopback host that is listed; such a name must resolve to loopback addresses."""
        return self._ports_of(host) is not None

    def _trusted(self, scheme: str, host: str, port: int) -> bool:
        if scheme not in self._schemes:
            return False
        ports = self._ports_of(host)
        if ports is not None:
            return None in ports or str(port) in ports
        return (
            scheme == "https"
            and port == _DEFAULT_PORTS["https"]
            and f".{host}".endswith(self._suffixes)
            and not _is_address(host)
        )

    def _ports_of(self, host: str) -> set[str | None] | None:
        bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
        listed = [
            ports
            for name, ports in self._loopback_ports.items()
            if bracketed == name or (name.endswith("localhost") and bracketed.endswith(f".{name}"))
        ]
        return set().union(*listed) if listed else None


def _joined(url: str, base: Target | None) -> str:
    if len(url) > _MAX_LENGTH or not _CHARACTERS.fullmatch(url):
        raise UrlRefused
    try:
        return url if base is None else urljoin(base.origin + base.path, url)
    except ValueError:
        raise UrlRefused from None


def _agreed(url: str) -> tuple[str, str, int, str]:
    """Scheme, host (in brackets if IPv6), port and path with query, as both parsers read them.

    The grammar goes first: it leaves no user info and no odd authority for the parsers to differ about, or fail on.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused
    scheme, host = match["scheme"].lower(), match["host"].lower()
    if not _NAME.fullmatch(host) and not _LOOPBACK.fullmatch(host):
        raise UrlRefused
    try:
        one, other = urlsplit(url), URL(url, encoded=True)
        port = int(match["port"] or _DEFAULT_PORTS[scheme])
        path = one.path or "/"
        first = (one.scheme, one.hostname, one.port or _DEFAULT_PORTS[scheme], path, one.query)
        second = (
            other.scheme,
            (other.raw_host or "").lower(),
            other.port,
            other.raw_path or "/",
            other.raw_query_string,
        )
    except ValueError:
        raise UrlRefused from None
    if first != second or first[:3] != (scheme, host.strip("[]"), port):
        raise UrlRefused
    return scheme, host, port, path + (f"?{one.query}" if one.query else "")


def _is_address(host: str) -> bool:
    """Tell whether anything could read the host as an IP address, the short and octal forms included."""
    last = host.rsplit(".", 1)[-1]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
