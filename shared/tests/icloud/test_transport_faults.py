import asyncio
import gzip

import pytest
from shared.tests.icloud.raw_server import one_request, raw_server
from shared.tests.icloud.scripted import Script, Scripted
from shared.tests.icloud.transports import CREDENTIAL, asked, transport_to

from icloud import NotUnderstood, TryLater
from icloud.gate import Target
from icloud.transport import Unreachable
from icloud.wire import requests
from icloud.wire.requests import Request


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_body_over_the_budget_is_refused(script: Script, encoding: str) -> None:
    body = bytes(5_000_000)
    headers = {"Content-Encoding": encoding} if encoding else {}
    script.on("PROPFIND", "/", Scripted(body=gzip.compress(body) if encoding else body, headers=headers))

    with pytest.raises(NotUnderstood, match="too_large"):
        await asked(script.origin)


async def test_the_body_of_a_refusal_is_read_as_far_as_it_is_reasonable(script: Script) -> None:
    script.on(
        "PROPFIND",
        "/",
        Scripted(503, body=bytes(5_000_000)),
        Scripted(403, body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        Scripted(429, body=b"x", headers={"Content-Encoding": "br"}),
    )

    first = await asked(script.origin)
    second = await asked(script.origin)
    third = await asked(script.origin)

    assert (third.status, bytes(third.body)) == (429, b"")
    assert (first.status, bytes(first.body)) == (503, b"")
    assert (second.status, bytes(second.body)) == (403, b"")


async def test_a_slow_drip_ends() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)  # the drip itself, not a wait for something

    loop = asyncio.get_running_loop()
    began = loop.time()

    async with raw_server(drip) as origin:
        with pytest.raises(TryLater, match="timeout"):
            await asked(origin)

    assert 1.0 < loop.time() - began < 5


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 207 Multi", b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 10\r\n\r\n<x"]
)
async def test_silence_ends(said: bytes) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(said)
        await writer.drain()
        await reader.read()

    async with raw_server(silent) as origin:
        with pytest.raises(TryLater, match="timeout"):
            await asked(origin)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 10\r\n\r\n<x",
        b"HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<x",
        b"HTTP/1.1 207 Multi-Status\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        + gzip.compress(b"<x/>" * 99, mtime=0)[:-6],
    ],
)
async def test_a_body_cut_short_is_to_be_asked_again(said: bytes) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(said)
        await writer.drain()

    async with raw_server(cut) as origin:
        with pytest.raises(TryLater, match="cut_short"):
            await asked(origin)


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 207 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"],
)
async def test_what_is_no_http_is_not_understood(said: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(said)
        await writer.drain()

    async with raw_server(babble) as origin:
        with pytest.raises(NotUnderstood, match="not_http"):
            await asked(origin)


class Dropping:
    """Answers the first request of each connection and drops the connection at the second, as idle sockets are."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.append(await one_request(reader))
        writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 4\r\n\r\n<x/>")
        await writer.drain()
        self.seen.append(await one_request(reader))


async def test_a_question_on_a_dropped_idle_connection_is_asked_once_more() -> None:
    server = Dropping()

    async with raw_server(server.talk) as origin, transport_to(origin) as transport:
        answers = [await transport.ask(Target(origin, "/"), requests.calendars(), CREDENTIAL) for _ in range(2)]

    assert [bytes(answer.body) for answer in answers] == [b"<x/>", b"<x/>"]
    assert len(server.seen) == 3


async def test_a_server_that_always_hangs_up_is_asked_twice_and_no_more() -> None:
    seen: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        seen.append(await one_request(reader))

    async with raw_server(hang_up) as origin:
        with pytest.raises(TryLater, match="connection_lost"):
            await asked(origin)

    assert len(seen) == 2


@pytest.mark.parametrize(("request_", "elsewhere"), [(requests.get(), True), (requests.put("x", if_match=None), False)])
async def test_only_a_question_whose_connection_was_lost_may_be_asked_elsewhere(
    request_: Request,
    elsewhere: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await one_request(reader)

    async with raw_server(hang_up) as origin:
        with pytest.raises(TryLater, match="connection_lost") as error:
            await asked(origin, request_)

    assert isinstance(error.value, Unreachable) == elsewhere


async def test_a_closed_port_is_unreachable(unused_tcp_port: int) -> None:
    with pytest.raises(Unreachable, match="refused"):
        await asked(f"http://127.0.0.1:{unused_tcp_port}")
