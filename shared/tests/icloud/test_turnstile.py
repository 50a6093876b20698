"""Nothing goes over the wire that did not pass the turnstile, and the turnstile hears how each request went."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from shared.tests.icloud.raw_server import one_request, raw_server
from shared.tests.icloud.scripted import HOME, Script, Scripted
from shared.tests.icloud.transports import CREDENTIAL, LOOPBACK, TIGHT

from icloud import (
    Account,
    CredentialsRejected,
    Endpoint,
    Errand,
    Fate,
    HeldBack,
    Home,
    ICloud,
    ICloudError,
    NotUnderstood,
    Outcome,
    RequestClass,
    TryLater,
    Turnstile,
)
from icloud.turnstile import UNSAID

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Doorkeeper:
    """Lets everybody through after `waits` seconds, unless told otherwise; writes down who came and how it went."""

    waits: float = 0.0
    refusal: Exception | None = None
    came: list[Errand] = field(default_factory=list)
    heard: list[Outcome] = field(default_factory=list)

    async def admit(self, errand: Errand) -> None:
        if self.refusal:
            raise self.refusal
        await asyncio.sleep(self.waits)
        self.came.append(errand)

    def left(self, errand: Errand, outcome: Outcome) -> None:
        assert errand == self.came[len(self.heard)]
        self.heard.append(outcome)


@pytest.fixture
def door() -> Doorkeeper:
    return Doorkeeper()


@pytest.fixture
async def icloud(script: Script) -> AsyncIterator[ICloud]:
    async with ICloud(Endpoint(script.origin, LOOPBACK), budget=TIGHT) as icloud:
        yield icloud


def at(icloud: ICloud, origin: str, door: Turnstile) -> Account:
    return icloud.account(CREDENTIAL, Home("/20451177/principal/", origin, HOME, ()), turnstile=door)


async def test_each_request_passes_on_its_own_and_its_host_is_known(
    apple: tuple[Script, Script], door: Doorkeeper
) -> None:
    entry, partition = apple
    async with ICloud(Endpoint(entry.origin, LOOPBACK)) as icloud:
        await icloud.account(CREDENTIAL, turnstile=door).calendars()

    assert door.came == [
        Errand(entry.origin, entry=True, kind=RequestClass.ENTRY),
        Errand(entry.origin, entry=True, kind=RequestClass.ENTRY),
        Errand(partition.origin, entry=False, kind=RequestClass.HOME),
    ]
    assert door.heard == [Outcome(Fate.ANSWERED, 207)] * 3


async def test_a_redirect_passes_once_more(
    script: Script, other_script: Script, icloud: ICloud, door: Doorkeeper
) -> None:
    script.on("PROPFIND", HOME, Scripted(302, headers={"Location": f"{other_script.origin}{HOME}"}))
    script.on("PROPFIND", "/", Scripted(401))
    other_script.on("PROPFIND", HOME, Scripted(401))

    with pytest.raises(CredentialsRejected):
        await at(icloud, script.origin, door).calendars()

    assert [(errand.origin, outcome.status) for errand, outcome in zip(door.came, door.heard, strict=True)] == [
        (script.origin, 302),
        (other_script.origin, 401),
        (script.origin, 401),
    ]


@pytest.mark.parametrize("refusal", [HeldBack(timedelta(minutes=1), "budget"), LookupError("the store is away")])
async def test_what_is_not_let_through_does_not_go_out(
    script: Script, icloud: ICloud, door: Doorkeeper, refusal: Exception
) -> None:
    door.refusal = refusal

    with pytest.raises(type(refusal)) as raised:
        await at(icloud, script.origin, door).calendars()

    assert raised.value is refusal
    assert (script.asked, door.heard) == ([], [])


async def test_waiting_for_ones_turn_uses_up_none_of_a_requests_time(door: Doorkeeper) -> None:
    hasty = replace(TIGHT, whole_seconds=0.4)
    door.waits = 0.5

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK), budget=hasty) as icloud:
        with pytest.raises(ICloudError):
            await at(icloud, origin, door).calendars()

    assert {outcome.status for outcome in door.heard} == {404}


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await one_request(reader)
    await reader.read()


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one_request(reader)
    writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000\r\n\r\n<multistatus")
    await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one_request(reader)
    writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one_request(reader)
    writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000)
    await writer.drain()


@pytest.mark.parametrize(
    ("talk", "error", "outcome"),
    [
        (silent, TryLater, Outcome(Fate.LOST)),
        (cut, TryLater, Outcome(Fate.LOST, 207)),
        (dripping, TryLater, Outcome(Fate.LOST, 207)),
        (huge, NotUnderstood, Outcome(Fate.ANSWERED, 207)),
    ],
)
async def test_an_answer_that_does_not_come_whole_in_time_is_lost(
    door: Doorkeeper, talk: Talk, error: type[ICloudError], outcome: Outcome
) -> None:
    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK), budget=TIGHT) as icloud:
        with pytest.raises(error):
            await at(icloud, origin, door).calendars()

    assert door.heard[0] == outcome


async def test_a_host_that_is_not_there_is_lost(icloud: ICloud, door: Doorkeeper) -> None:
    with pytest.raises(ICloudError):
        await at(icloud, "http://127.0.0.1:1", door).calendars()

    assert door.heard[0] == Outcome(Fate.LOST)


async def test_a_dropped_connection_is_one_request_that_says_nothing_and_one_that_does(door: Doorkeeper) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.transport.abort()

    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK), budget=TIGHT) as icloud:
        with pytest.raises(TryLater):
            await at(icloud, origin, door).calendars()

    assert [outcome.fate for outcome in door.heard[:2]] == [Fate.ABANDONED, Fate.LOST]


async def test_a_pass_that_is_cancelled_says_nothing_about_the_host(door: Doorkeeper) -> None:
    begun = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await one_request(reader)
        begun.set()
        await reader.read()

    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK)) as icloud:
        asking = asyncio.create_task(at(icloud, origin, door).calendars())
        await begun.wait()
        asking.cancel()
        await asyncio.wait([asking])

    assert asking.cancelled()
    assert door.heard == [Outcome(Fate.ABANDONED)]


@pytest.mark.parametrize(
    ("status", "said", "heard", "alone"),
    [
        (503, "600", timedelta(minutes=10), timedelta(minutes=10)),
        (503, "1", timedelta(minutes=1), timedelta(minutes=1)),
        (429, "86400", timedelta(hours=2), timedelta(hours=2)),
        (503, None, None, UNSAID),
        (429, "soon", None, UNSAID),
        (500, "600", timedelta(minutes=10), timedelta(minutes=10)),
        (500, None, None, None),
        (404, "600", None, None),
    ],
)
async def test_a_throttle_is_heard_with_what_it_said_and_leaves_the_account_alone(
    script: Script, icloud: ICloud, door: Doorkeeper, status: int, said: str | None,
    heard: timedelta | None, alone: timedelta | None,
) -> None:  # fmt: skip
    script.on("PROPFIND", HOME, Scripted(status, headers={"Retry-After": said} if said else {}))

    with pytest.raises(ICloudError) as raised:
        await at(icloud, script.origin, door).calendars()

    assert door.heard[0] == Outcome(Fate.ANSWERED, status, heard)
    assert door.heard[0].alone == alone
    if isinstance(raised.value, TryLater):
        assert raised.value.after == alone
