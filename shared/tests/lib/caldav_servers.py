"""Servers that others wrote, each with a person whose other device is python-caldav."""

import asyncio
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

from caldav.collection import Calendar
from caldav.davclient import DAVClient

from icloud import AppleCredential
from icloud_simulator.client import SimulatorAdmin
from icloud_simulator.simulator import Options, Simulator

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def event(uid: str, start: datetime = NOON, title: str = "Dentist") -> str:
    """One hour's meeting, as simple as an object can be."""
    form = "%Y%m%dT%H%M%SZ"
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tests//EN", "BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}"),
        *("DTSTAMP:20261122T090000Z", f"DTSTART:{start:{form}}", f"DTEND:{start + timedelta(hours=1):{form}}"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines)


@dataclass
class Person:
    """Somebody with an account on a server, who writes with another device."""

    entry: str
    credential: AppleCredential
    ca_file: Path | None = None
    collections: dict[str, str] = field(default_factory=dict)
    """URLs of the calendars, by the last part of their paths."""

    async def adds(self, calendar: str, texts: Mapping[str, str]) -> None:
        """Write objects by name."""

        def put(device: DAVClient) -> None:
            for name, text in texts.items():
                device.put(f"{self.collections[calendar]}{name}.ics", text, {"Content-Type": "text/calendar"})

        await self._with_the_device(put)

    async def removes(self, calendar: str, name: str) -> None:
        """Delete an object."""
        await self._with_the_device(lambda device: device.delete(f"{self.collections[calendar]}{name}.ics"))

    async def makes_calendar(self, name: str) -> None:
        """Make a calendar where there is none of that name."""

        def make(device: DAVClient) -> None:
            principal = device.principal()  # type: ignore[no-untyped-call]  # python-caldav's
            self._remember(principal.calendars())
            if name not in self.collections:
                self._remember([principal.make_calendar(name=name.title(), cal_id=name)])

        await self._with_the_device(make)

    def _remember(self, calendars: Iterable[Calendar]) -> None:
        urls = [str(calendar.url).rstrip("/") for calendar in calendars]
        self.collections |= {url.rpartition("/")[2]: f"{url}/" for url in urls}

    async def _with_the_device(self, work: Callable[[DAVClient], object]) -> None:
        def working() -> None:
            user, password = self.credential.apple_id, self.credential.app_password
            trust = str(self.ca_file) if self.ca_file else True
            with DAVClient(url=self.entry, username=user, password=password, ssl_verify_cert=trust) as device:
                work(device)

        await asyncio.to_thread(working)


@dataclass
class Server:
    """A running server."""

    entry: str
    ca_file: Path | None = None
    people: int = 0

    async def person(self) -> Person:
        """Somebody new, with an empty calendar `home`."""
        self.people += 1
        word = "".join(_LETTERS[self.people // 26**place % 26] for place in range(4))
        person = Person(self.entry, AppleCredential(f"{word}@icloud.com", f"abcd-efgh-ijkl-{word}"), self.ca_file)
        await self.enrol(person)
        await person.makes_calendar("home")
        return person

    async def enrol(self, person: Person) -> None:
        raise NotImplementedError


@dataclass
class Radicale(Server):
    """Radicale in a process of its own."""

    users: Path = Path()

    async def enrol(self, person: Person) -> None:
        with self.users.open("a") as users:
            users.write(f"{person.credential.apple_id}:{person.credential.app_password}\n")


@dataclass
class Xandikos(Server):
    """Xandikos in a process of its own, for several users; it lets nobody in by password but over TLS."""

    users: Path = Path()

    async def enrol(self, person: Person) -> None:
        digest = b64encode(sha1(person.credential.app_password.encode()).digest()).decode()  # noqa: S324 -- Xandikos' own form
        with self.users.open("a") as users:
            users.write(f"{person.credential.apple_id}:{{SHA}}{digest}\n")


@dataclass
class Simulated(Server):
    """Our simulator of iCloud in this process; it shares no code with the client."""

    admin: str = ""

    async def enrol(self, person: Person) -> None:
        def create() -> None:
            with SimulatorAdmin(self.admin) as admin:
                credential = person.credential
                admin.create_account(credential.apple_id, app_password=credential.app_password, default_calendars=True)

        await asyncio.to_thread(create)


@asynccontextmanager
async def radicale(directory: Path) -> AsyncIterator[Server]:
    users, port = directory / "users", _free_port()
    users.touch()
    settings = {
        "server-hosts": f"127.0.0.1:{port}",
        "auth-type": "htpasswd",
        "auth-htpasswd-filename": str(users),
        "auth-htpasswd-encryption": "plain",
        "auth-delay": "0",
        "storage-filesystem-folder": str(directory / "storage"),
    }
    arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
    async with _running("radicale", arguments, port, directory):
        yield Radicale(f"http://127.0.0.1:{port}/", users=users)


@asynccontextmanager
async def xandikos(directory: Path) -> AsyncIterator[Server]:
    users, port = directory / "users", _free_port()
    users.touch()
    settings = {
        "directory": str(directory / "storage"),
        "state-dir": str(directory),
        "listen-address": "localhost",
        "port": str(port),
        "htpasswd": str(users),
    }
    arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
    async with _running("xandikos", ["multi-user", "--autocert", "--no-detect-systemd", *arguments], port, directory):
        yield Xandikos(f"https://localhost:{port}/", directory / "certs" / "selfsigned.crt", users=users)


@asynccontextmanager
async def simulator() -> AsyncIterator[Server]:
    async with Simulator(Options(port=0, admin_port=0, demo=False)) as running:
        yield Simulated(running.url, admin=running.admin_url)


@asynccontextmanager
async def _running(module: str, arguments: Iterable[str], port: int, directory: Path) -> AsyncIterator[None]:
    """Somebody else's server, until the end of the block."""
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stderr=log)
    try:
        await _listening(port, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("localhost", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
    raise AssertionError("the server ended at its start")
