"""Heads of answers as no server should write them: only the declared errors get out of the client."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from shared.tests.icloud.raw_server import one_request, raw_server
from shared.tests.icloud.scripted import CALENDAR, HOME, golden
from shared.tests.icloud.transports import CREDENTIAL, LOOPBACK

from icloud import Account, Budget, CalendarObject, Endpoint, Home, ICloud, ICloudError

STATUS_LINES = (
    *(b"HTTP/1.1 207 Multi-Status", b"HTTP/1.1 200 OK", b"HTTP/1.1 404", b"HTTP/1.1 503 \xff\xfe", b"HTTP/1.0 207 X"),
    *(b"HTTP/1.1 401 Unauthorized", b"HTTP/1.1 302 Found", b"HTTP/1.1 204 No", b"HTTP/1.1 999 ?", b"HTTP/1.1"),
    *(b"HTTP/9.9 207 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 -07 OK", b"ICY 200 OK", b"", b"\x00", b"HTTP/1.1 100 Continue"),
    *(b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 207 " + b"x" * 9_000),
)
HEADERS = (
    *(b"Content-Encoding: gzip", b"Content-Encoding: \xff", b"Content-Encoding: br", b"Transfer-Encoding: chunked"),
    *(b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: x", b"Content-Length: 5"),
    *(b"Retry-After: \xff", b"Retry-After: -9", b"Retry-After: " + b"9" * 5_000, b"Retry-After: Sun, 99 Foo 0 0:0:0"),
    *(b"Date: \xff", b"Date: 0", b"Location: \xff\xfe", b"Location: http://[", b"Location: //\xe2\x80\xae/"),
    *(b"Location: https://evil.example/", b"ETag: \xff\xfe", b'ETag: "a"\tb', b"ETag: " + b"e" * 7_000, b"ETag:"),
    *(b"Set-Cookie: \xff=\xff; expires=\xff", b"Content-Type: \xff/\xff; charset=\xff", b"no colon", b": no name"),
    *(b" folded", b"X: " + b"y" * 9_000, b"\xff: 1", b"Connection: close", b"Connection: upgrade", b"Upgrade: h2c"),
)  # fmt: skip
BODIES = (b"", b"hello", b"\x1f\x8b\x08", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", golden("changes.xml"))


def hostile_answer(dice: random.Random) -> bytes:
    # Mostly something that is nearly HTTP: what is none at all ends at the first look.
    lines = [dice.choice(STATUS_LINES[: dice.choice((3, 3, 8, 99))]), *dice.choices(HEADERS, k=dice.randrange(3))]
    end = dice.choice((b"\r\n",) * 8 + (b"\n", b"\r"))
    return end.join(lines) + end * 2 + dice.choice(BODIES)


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    dice = random.Random(20261122)  # noqa: S311 -- seeded, so that a failure can be repeated

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(hostile_answer(dice))
        await writer.drain()

    budget = Budget(connect_seconds=1, read_seconds=0.5, whole_seconds=1)
    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK), budget=budget) as icloud:
        yield icloud.account(CREDENTIAL, Home("/20451177/principal/", origin, HOME, ()))


async def test_five_hundred_strange_heads_end_in_declared_errors_or_in_nothing(account: Account) -> None:
    href, told = f"{CALENDAR}A1.ics", set()
    for number in range(500):
        try:
            if number % 5 == 0:
                await account.put(href, "x", if_match=await account.put(href, "x", if_match=None))
            elif number % 5 == 1:
                found = await account.get(href)
                assert not isinstance(found, CalendarObject)
            elif number % 5 == 2:
                await account.changes(CALENDAR, "t")
            else:
                await account.calendars()
        except ICloudError as error:
            told.add(type(error).__name__)

    assert told >= {"NotUnderstood", "TryLater", "CredentialsRejected"}


@pytest.mark.parametrize("etag", [b'"\xff\xfe"', b'"\xc3\xa9"', b"e" * 600, b""])
async def test_an_etag_that_could_not_be_kept_and_sent_back_is_none(etag: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nETag: %b\r\nContent-Length: 15\r\n\r\n"
        while True:
            await one_request(reader)
            writer.write(head % etag + b"BEGIN:VCALENDAR")

    async with raw_server(talk) as origin, ICloud(Endpoint(origin, LOOPBACK)) as icloud:
        account = icloud.account(CREDENTIAL, Home("/20451177/principal/", origin, HOME, ()))
        written = await account.put(f"{CALENDAR}A1.ics", "x", if_match=None)
        read = await account.get(f"{CALENDAR}A1.ics")

    assert written is None
    assert isinstance(read, CalendarObject)
    assert read.etag == ""
