import asyncio
import gzip
import logging
import traceback
from pathlib import Path

import pytest
from shared.tests.icloud.certificates import certificate, serving_with
from shared.tests.icloud.raw_server import one_request, raw_server
from shared.tests.icloud.scripted import Script, Scripted
from shared.tests.icloud.transports import BASIC, CREDENTIAL, LOOPBACK, TIGHT, asked, transport_to

from icloud import Endpoint, NotUnderstood, TryLater
from icloud.gate import Gate, Target
from icloud.transport import Transport, Unreachable
from icloud.wire import requests


async def test_a_request_goes_out_with_basic_and_comes_back_whole(script: Script) -> None:
    script.on("PROPFIND", "/", Scripted(body=gzip.compress(b"<x/>"), headers={"Content-Encoding": "gzip"}))

    answer = await asked(script.origin)

    assert (answer.status, bytes(answer.body), answer.moved) == (207, b"<x/>", False)
    (sent,) = script.asked
    assert sent.headers["Authorization"] == BASIC
    assert sent.headers["Accept-Encoding"] == "gzip"
    assert sent.headers["Depth"] == "0"
    assert sent.headers["User-Agent"].startswith("CrocoClick")
    assert sent.body == requests.principal().body


async def test_cookies_of_one_account_do_not_travel_with_another(script: Script) -> None:
    script.on("PROPFIND", "/", Scripted(headers={"Set-Cookie": "session=1"}))

    async with transport_to(script.origin) as transport:
        for _ in range(2):
            await transport.ask(Target(script.origin, "/"), requests.principal(), CREDENTIAL)

    assert not any("Cookie" in sent.headers for sent in script.asked)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_carry_method_body_and_credential(script: Script, other_script: Script, status: int) -> None:
    script.on("REPORT", "/a", Scripted(status, headers={"Location": f"{other_script.origin}/b"}))
    other_script.on("REPORT", "/b", Scripted(status, headers={"Location": "c"}))
    other_script.on("REPORT", "/c", Scripted(body=b"<x/>"))

    answer = await asked(script.origin, requests.changes("t"), path="/a")

    assert (bytes(answer.body), answer.target, answer.moved) == (
        b"<x/>",
        Target(other_script.origin, "/c"),
        status in (301, 308),
    )
    for sent in other_script.asked:
        assert (sent.method, sent.body) == ("REPORT", requests.changes("t").body)
        assert sent.headers["Authorization"] == BASIC


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:1/",
        "http://10.0.0.1/",
        "https://evil.example/",
        "//evil.example/",
        "https://caldav.icloud.com@evil.example/",
        "file:///etc/passwd",
        "http://127.0.0.1:x/",
    ],
)
async def test_a_redirect_to_any_other_host_is_not_followed(script: Script, location: str) -> None:
    script.on("PROPFIND", "/", Scripted(302, headers={"Location": location}))

    with pytest.raises(NotUnderstood, match="redirect_refused"):
        await asked(script.origin)

    assert len(script.asked) == 1


async def test_a_redirect_that_goes_round_in_circles_ends(script: Script) -> None:
    script.on("PROPFIND", "/", Scripted(302, headers={"Location": "/"}))

    with pytest.raises(NotUnderstood, match="too_many_redirects"):
        await asked(script.origin)

    assert len(script.asked) == 6


async def test_a_see_other_is_no_answer_and_is_not_followed(script: Script) -> None:
    script.on("PROPFIND", "/", Scripted(303, headers={"Location": "/b"}))

    assert (await asked(script.origin)).status == 303
    assert len(script.asked) == 1


async def test_a_trusted_name_in_our_own_network_is_never_connected_to() -> None:
    gate = Gate(("icloud.com",))
    transport = Transport(Endpoint("https://caldav.icloud.com/", ("icloud.com",)), gate, TIGHT)

    with pytest.raises(Unreachable, match="address_refused"):
        # As if a name under icloud.com resolved to the machine itself: `localhost` does without asking any DNS.
        await transport.ask(Target("https://localhost:443", "/"), requests.principal(), CREDENTIAL)

    await transport.close()


async def test_no_error_keeps_the_credential(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script.on("PROPFIND", "/", Scripted(302, headers={"Location": "http://evil.example/"}))

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await one_request(reader)

    texts = [caplog.text]
    async with raw_server(hang_up) as lost:
        for origin in (script.origin, lost, "http://127.0.0.1:1"):
            with pytest.raises((NotUnderstood, TryLater)) as error:
                await asked(origin)
            texts.append("".join(traceback.format_exception(error.value)))
            # A chained error of the driver would hold the headers, out of sight but not out of reach.
            assert error.value.__cause__ is None
            assert error.value.__context__ is None or error.value.__suppress_context__

    assert not any(part in text for text in texts for part in ("canary", "cana-rypa", BASIC))


async def test_https_is_spoken_with_whom_a_trusted_authority_vouches_for(tmp_path: Path) -> None:
    file = certificate(tmp_path)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 4\r\n\r\n<x/>")
        await writer.drain()

    async with raw_server(answer, serving_with(file)) as origin:
        port = origin.rpartition(":")[2]
        target = Target(f"https://localhost:{port}", "/")
        async with transport_to(f"{target.origin}/", ca_file=file) as transport:
            trusting = await transport.ask(target, requests.principal(), CREDENTIAL)
        async with transport_to(f"{target.origin}/") as transport:
            with pytest.raises(Unreachable, match="tls"):
                await transport.ask(target, requests.principal(), CREDENTIAL)

    assert bytes(trusting.body) == b"<x/>"


async def test_nothing_is_opened_before_the_first_request_and_closing_twice_is_fine() -> None:
    transport = Transport(Endpoint("http://127.0.0.1:1/", LOOPBACK), Gate(LOOPBACK), TIGHT)

    await transport.close()
    await transport.close()
