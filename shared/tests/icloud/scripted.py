"""A server on a loopback address that gives the answers a test wrote down for it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from icloud import Budget, ICloud

_GOLDEN = Path(__file__).parent / "golden"
HOME = "/20451177/calendars/"
CALENDAR = f"{HOME}home/"
_OK = "<status>HTTP/1.1 200 OK</status></propstat></response>"
PATIENCE = Budget(connect_seconds=5, read_seconds=5, whole_seconds=10)


@dataclass(frozen=True)
class Scripted:
    """An answer that a scripted server gives."""

    status: int = 207
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request that a scripted server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Script:
    """Answers by method and path. The last answer of a list is repeated; what is not scripted is 404."""

    origin: str = ""
    answers: dict[tuple[str, str], list[Scripted]] = field(default_factory=lambda: defaultdict(list))
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Scripted) -> None:
        self.answers[method, path] = list(answers)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        # The path as it came over the wire: `%40` and `@` are not the same here.
        path = request.raw_path
        self.asked.append(Asked(request.method, path, dict(request.headers), await request.read()))
        answers = self.answers.get((request.method, path), [Scripted(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@asynccontextmanager
async def serving(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[int]:
    """Serve a handler on a free port of 127.0.0.1, and tell the port."""
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


class Opening(Protocol):
    """Opens a client for an entry URL, trusting loopback hosts."""

    def __call__(
        self, entry: str, *, budget: Budget = PATIENCE, ca_file: Path | None = None
    ) -> AbstractAsyncContextManager[ICloud]: ...


def golden(name: str) -> bytes:
    """An answer in Apple's shape, as the dossier describes it."""
    return (_GOLDEN / name).read_bytes()


def home_set(origin: str) -> bytes:
    """The golden answer, with the home on another host."""
    return golden("home_set.xml").replace(b"https://p42-caldav.icloud.com:443", origin.encode())


def multistatus(*responses: str, tail: str = "") -> bytes:
    """An answer made of the insides of its responses."""
    inside = "".join(f"<response>{response}</response>" for response in responses)
    return f'<multistatus xmlns="DAV:">{inside}{tail}</multistatus>'.encode()


def props(inside: str, status: int = 200) -> str:
    """Properties with one status."""
    return f"<propstat><prop>{inside}</prop><status>HTTP/1.1 {status} X</status></propstat>"


def page(*entries: str, token: str = "") -> bytes:
    """A page of changes, or any other answer about the calendar `home`."""
    return f'<multistatus xmlns="DAV:">{"".join(entries)}<sync-token>{token}</sync-token></multistatus>'.encode()


def entry(name: str, status: int | None = None, *, text: str | None = None) -> str:
    """What an answer says about one object of the calendar `home`."""
    href = f"<href>{CALENDAR}{name}</href>"
    if status is not None:
        return f"<response>{href}<status>HTTP/1.1 {status} X</status></response>"
    data = "" if text is None else f'<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">{text}</C:calendar-data>'
    return f"<response>{href}<propstat><prop><getetag>{name}</getetag>{data}</prop>{_OK}"


THERE = f'<multistatus xmlns="DAV:"><response><href>x</href><propstat><prop><resourcetype/></prop>{_OK}</multistatus>'
