"""What a caller may say before and around a body, on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from runtime.listening import Listener

HOST: Final = "127.0.0.1"
ANSWERED: Final = b"HTTP/1.1 200"
REFUSED: Final = b"HTTP/1.1 400"
SECONDS: Final = 30
LARGEST_HEAD: Final = 64 * 1024
"""Bytes that a head may have, as uvicorn bounds it."""
FOR_EVER: Final = 1_024 * LARGEST_HEAD
"""As good as for ever: far more than the sockets' own buffers hold."""

Event = MutableMapping[str, Any]


@dataclass
class Echo:
    """Answers with the length of the body; remembers the paths it was asked for."""

    asked: list[str] = field(default_factory=list)

    async def __call__(
        self, scope: Event, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]
    ) -> None:
        self.asked.append(scope["path"])
        length, more = 0, True
        while more:
            event = await receive()
            length += len(event.get("body", b""))
            more = event.get("more_body", False)
        said = str(length).encode()
        heads = [(b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": heads})
        await send({"type": "http.response.body", "body": said})


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def port(echo: Echo) -> AsyncIterator[int]:
    listener = Listener(echo, HOST, 0)
    serving = asyncio.create_task(listener.serve())
    await listener.ready()
    yield listener.port
    await listener.drain()
    await serving


async def said(port: int, request: bytes) -> bytes:
    """All that comes back until the end."""
    reader, writer = await asyncio.open_connection(HOST, port)
    async with asyncio.timeout(SECONDS):
        writer.write(request)
        writer.write_eof()
        answer = await reader.read()
    writer.close()
    return answer


async def listened(port: int, begun: bytes, more: bytes) -> int:
    """How many bytes are taken of a request that goes on with `more` for ever, FOR_EVER at most."""
    _, writer = await asyncio.open_connection(HOST, port)
    writer.write(begun)
    told = len(begun)
    try:
        async with asyncio.timeout(SECONDS):
            while told < FOR_EVER:
                writer.write(more)
                told += len(more)
                await writer.drain()
    except ConnectionError:
        return told
    finally:
        writer.close()
    return told


def request(*heads: bytes, line: bytes = b"POST /wish HTTP/1.1") -> bytes:
    return b"\r\n".join((line, b"Host: x", b"Connection: close", *heads, b"", b""))


async def test_a_head_as_large_as_any_proxy_lets_through_is_read(port: int, echo: Echo) -> None:
    answer = await said(port, request(b"Cookie: " + b"x" * (LARGEST_HEAD // 2)))

    assert answer.startswith(ANSWERED)
    assert echo.asked == ["/wish"]


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        pytest.param(b"POST /wish HTTP/1.1\r\nHost: x\r\n", b"X-More: 1\r\n" * 1024, id="headers"),
        pytest.param(b"POST /wish HTTP/1.1\r\nHost: x\r\nX-More: ", b"1" * 8192, id="one header"),
        pytest.param(b"POST /wish HTTP/1.1\r\nHost: x\r\nX-", b"m" * 8192, id="a header's name"),
        pytest.param(b"POST /", b"w" * 8192, id="path"),
    ],
)
async def test_a_head_without_end_is_broken_off_and_never_reaches_the_application(
    port: int, echo: Echo, begun: bytes, more: bytes
) -> None:
    taken = await listened(port, begun, more)

    assert taken < FOR_EVER
    assert echo.asked == []


async def test_trailers_without_end_are_broken_off(port: int) -> None:
    taken = await listened(port, request(b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n", b"X-More: 1\r\n" * 1024)

    assert taken < FOR_EVER


async def test_a_body_of_any_size_and_the_request_after_it_are_read(port: int, echo: Echo) -> None:
    body = b"x" * (4 * LARGEST_HEAD)
    first = b"POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    answer = await said(port, first + request(b"Transfer-Encoding: chunked", line=b"POST /second HTTP/1.1") + chunked)

    assert answer.count(ANSWERED) == 2
    assert answer.count(str(len(body)).encode()) == 2
    assert echo.asked == ["/first", "/second"]


async def test_a_request_that_offers_another_protocol_is_read_whole(port: int, echo: Echo) -> None:
    begun = request(b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AA", b"Content-Length: 31")
    body = b"GET /hidden HTTP/1.1\r\nHost: x\r\n"

    answer = await said(port, begun + body[:31])

    assert answer.startswith(ANSWERED)
    assert answer.endswith(b"31")
    assert echo.asked == ["/wish"]


@pytest.mark.parametrize(
    "smuggled",
    [
        pytest.param(request(b"Content-Length: 3", b"Content-Length: 4") + b"abcd", id="two lengths"),
        pytest.param(request(b"Content-Length: -1"), id="a negative length"),
        pytest.param(request(b"Content-Length: +3") + b"abc", id="a length with a sign"),
        pytest.param(request(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n", id="chunked is not the last"),
        pytest.param(request(b"Transfer-Encoding: chunked") + b"x\r\nabc\r\n0\r\n\r\n", id="no hexadecimal size"),
        pytest.param(request(b"X-Name : 1"), id="a blank before the colon"),
        pytest.param(request(b"X-Name: a\x00b"), id="NUL"),
        pytest.param(request(b"no colon"), id="no header"),
        pytest.param(request(line=b"POST /w\xc3\xbcnsche HTTP/1.1"), id="a path that is not ASCII"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
    ],
)
async def test_what_two_servers_could_read_in_two_ways_is_refused(port: int, smuggled: bytes) -> None:
    answer = await said(port, smuggled)

    assert not answer or answer.startswith(REFUSED)
