"""HTTP under budgets: one request out, one bounded answer in, redirects followed only through the gate."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import aiohttp

from icloud.addresses import AddressRefused, CheckedAddresses
from icloud.call import Call
from icloud.credentials import AppleCredential
from icloud.errors import ICloudError, NotUnderstood, TryLater
from icloud.gate import Endpoint, Gate, Target, UrlRefused, proxy_host
from icloud.inflate import Body
from icloud.traffic import RequestCounter, crossing
from icloud.turnstile import Errand, Fate, Turnstile
from icloud.wire.requests import Request

_USER_AGENT = "CrocoClick-iCloud-Calendar-Sync/1"
_REDIRECTS = frozenset({301, 302, 307, 308})  # 303 asks for a GET, which answers none of our questions
_PERMANENT = frozenset({301, 308})
_MOST_REDIRECTS = 5
_MOST_OF_A_REFUSAL = 65_536  # its body is only looked at for preconditions
# What aiohttp does not repeat by itself; both change nothing at the server (RFC 3253 §3.6, RFC 4918 §9.1).
_SAFE = frozenset({"PROPFIND", "REPORT"})
_WRITING = frozenset({"PUT", "DELETE"})
_PROXY_REFUSES = frozenset({401, 403, 407})
# What a connection looks like that ended under a request.
_DROPPED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)
# Callers limit themselves per account and fleet. This keeps a mistake of theirs from using up all sockets.
_MOST_CONNECTIONS = 512
_KEEP_ALIVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What one request may cost. Apple needs more than 10 s at times; 30 s is what others found to do."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    whole_seconds: float = 60.0
    """From the first byte out to the last one in, redirects included."""
    body_bytes: int = 16 * 1024 * 1024
    object_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and from where in the end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytearray = field(repr=False)
    target: Target = field(repr=False)
    moved: bool = False
    """Every redirect on the way was permanent, and there was one."""
    seconds: float = 0.0
    """How long the last of its requests took on the wire, to the end of the body."""


class Unreachable(TryLater):
    """No connection came about, or none that answers: the host may be down, or be the wrong one by now.

    Or our own proxy is down (`proxy_unreachable`), does not let us through to it, or cannot reach it itself.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(None, reason)


class Transport:
    """The pool of connections of one process. Nothing is opened before the first request."""

    def __init__(
        self, endpoint: Endpoint, gate: Gate, budget: Budget, *, counter: RequestCounter | None = None
    ) -> None:
        self._counter = counter
        self._entry = gate.admit(endpoint.entry_url).origin
        self._endpoint = endpoint
        self._gate = gate
        self._budget = budget
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, target: Target, request: Request, credential: AppleCredential, turnstile: Turnstile | None = None
    ) -> Answer:
        """Ask and follow redirects, with the same method, body and credential, to trusted hosts only.

        Raise Unreachable, TryLater (too slow, cut short), NotUnderstood (no HTTP, too large, an untrusted redirect), or
        what the turnstile raises.
        """
        # Raised outside of the handler: the driver's errors hold the headers, and with them the credential.
        fault: ICloudError
        try:
            async with asyncio.timeout(self._budget.whole_seconds) as clock:
                return await self._followed(target, Call(request, credential, turnstile, clock))
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            fault = _fault(error, request.method)
        raise fault

    async def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _followed(self, target: Target, call: Call) -> Answer:
        hops: list[int] = []
        while True:
            answer = await self._patiently(target, call)
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or location is None:
                return replace(answer, moved=_PERMANENT.issuperset(hops)) if hops else answer
            hops.append(answer.status)
            if len(hops) > _MOST_REDIRECTS:
                raise NotUnderstood("too_many_redirects")
            try:
                target = self._gate.admit(location, base=target)
            except UrlRefused:
                raise NotUnderstood("redirect_refused") from None

    async def _patiently(self, target: Target, call: Call) -> Answer:
        """Repeat once what a server did not answer because it had closed the idle connection just then."""
        if call.request.method not in _SAFE:
            return await self._once(target, call)
        try:
            return await self._once(target, call, dropped=Fate.ABANDONED)
        except aiohttp.ClientConnectorError:
            raise
        except _DROPPED:
            return await self._once(target, call)

    async def _once(self, target: Target, call: Call, *, dropped: Fate = Fate.LOST) -> Answer:
        request = call.request
        errand = Errand(target.origin, target.origin == self._entry, request.kind)
        await call.admitted(errand)
        response: aiohttp.ClientResponse | None = None
        fate = Fate.LOST
        began = asyncio.get_running_loop().time()
        try:
            async with self._opened().request(
                request.method,
                target.url(),
                data=request.body or None,
                headers={**request.headers, "Authorization": call.credential.basic()},
                allow_redirects=False,
                proxy=self._endpoint.proxy_url,
            ) as response:
                read = self._answer if response.status in request.expected else _refusal
                body = await read(response)
                took = asyncio.get_running_loop().time() - began
                answer = Answer(response.status, response.headers, body, target, seconds=took)
                fate = Fate.ANSWERED
                return answer
        except BaseException as error:
            fate = _fate(error, dropped, in_time=not call.clock.expired())
            raise
        finally:
            if self._counter is not None:
                self._counter(crossing(request, response))
            call.left(errand, fate, response)

    async def _answer(self, response: aiohttp.ClientResponse) -> bytearray:
        return await _read(response, most=self._budget.body_bytes)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            proxy = self._endpoint.proxy_url
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=CheckedAddresses(self._gate, proxy and proxy_host(proxy)),
                    ssl=_tls(self._endpoint),
                    limit=_MOST_CONNECTIONS,
                    keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),  # a cookie of one account must not travel with another
                headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", "Accept": "*/*"},
                skip_auto_headers=("Content-Type",),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._budget.connect_seconds, sock_read=self._budget.read_seconds
                ),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _refusal(response: aiohttp.ClientResponse) -> bytearray:
    """Read the body of a refusal; the status alone decides if it is too large or cannot be read."""
    try:
        return await _read(response, most=_MOST_OF_A_REFUSAL)
    except (ICloudError, aiohttp.ClientPayloadError):
        return bytearray()


async def _read(response: aiohttp.ClientResponse, *, most: int) -> bytearray:
    body = Body(response.headers.get("Content-Encoding", ""), most=most)
    async for chunk in response.content.iter_any():
        body.add(chunk)
    return body.end()


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])  # with HTTP/2 Apple's hosts answer 421 on shared connections
    return context


def _lost(reason: str) -> TryLater:
    return TryLater(None, reason)


# First match counts; the texts of these errors are not kept, as they hold hosts and addresses.
_FAULTS: tuple[tuple[type[Exception], Callable[[str], ICloudError], str], ...] = (
    (aiohttp.ConnectionTimeoutError, Unreachable, "connect_timeout"),
    (aiohttp.ClientConnectorDNSError, Unreachable, "name_not_found"),
    (aiohttp.ClientConnectorCertificateError, Unreachable, "tls"),
    (aiohttp.ClientConnectorSSLError, Unreachable, "tls"),
    (aiohttp.ClientProxyConnectionError, Unreachable, "proxy_unreachable"),
    (aiohttp.ClientConnectorError, Unreachable, "refused"),
    (TimeoutError, _lost, "timeout"),
    (aiohttp.ClientPayloadError, _lost, "cut_short"),
    (aiohttp.ClientResponseError, NotUnderstood, "not_http"),
)


def _fate(error: BaseException, dropped: Fate, *, in_time: bool) -> Fate:
    if isinstance(error, asyncio.CancelledError):
        return Fate.ABANDONED if in_time else Fate.LOST
    if isinstance(error, NotUnderstood):  # it came, and is too large or no gzip
        return Fate.ANSWERED
    if isinstance(error, _DROPPED) and not isinstance(error, aiohttp.ClientConnectorError):
        return dropped
    return Fate.LOST


def _fault(error: Exception, method: str) -> ICloudError:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressRefused):
        return Unreachable("address_refused")
    if isinstance(error, aiohttp.ClientHttpProxyError):  # our own proxy's word: nobody of Apple's has heard anything
        return Unreachable("proxy_refused" if error.status in _PROXY_REFUSES else "proxy_failed")
    for kind, fault, reason in _FAULTS:
        if isinstance(error, kind):
            return fault(reason)
    # A write may have happened and must not be repeated elsewhere; a question may.
    return _lost("connection_lost") if method in _WRITING else Unreachable("connection_lost")
