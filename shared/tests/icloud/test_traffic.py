import asyncio
from dataclasses import replace

import pytest
from shared.tests.icloud.raw_server import one_request, raw_server
from shared.tests.icloud.scripted import CALENDAR, HOME, Script, Scripted, entry, golden, page
from shared.tests.icloud.transports import CREDENTIAL, LOOPBACK, TIGHT

from icloud import Account, CredentialsRejected, Crossing, Endpoint, Home, ICloud, RequestClass, TryLater


def account_at(icloud: ICloud, origin: str) -> Account:
    return icloud.account(CREDENTIAL, Home("/20451177/principal/", origin, HOME, ()))


async def test_what_is_counted_is_what_went_over_the_wire() -> None:
    counted: list[Crossing] = []
    got: list[bytes] = []
    body = golden("calendars.xml")
    answer = b"HTTP/1.1 207 Multi-Status\r\nServer: AppleHttpServer/1\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await one_request(reader))
        writer.write(answer)
        await writer.drain()

    async with (
        raw_server(talk) as origin,
        ICloud(Endpoint(origin, LOOPBACK), budget=TIGHT, counter=counted.append) as icloud,
    ):
        await account_at(icloud, origin).calendars()

    assert counted == [Crossing(RequestClass.HOME, 207, bytes_out=len(got[0]), bytes_in=len(answer))]


async def test_each_request_is_counted_in_its_class(apple: tuple[Script, Script]) -> None:
    counted: list[Crossing] = []
    entry_host, partition = apple
    partition.on("REPORT", CALENDAR, Scripted(body=page(entry("A.ics"), token="t")))
    partition.on("PUT", f"{CALENDAR}A.ics", Scripted(201))

    async with ICloud(Endpoint(entry_host.origin, LOOPBACK), counter=counted.append) as icloud:
        account = icloud.account(CREDENTIAL)
        await account.calendars()
        await account.changes(CALENDAR, "s")
        await account.get(f"{CALENDAR}A.ics")
        await account.put(f"{CALENDAR}A.ics", "x", if_match=None)
        await account.delete(f"{CALENDAR}A.ics", if_match=None)

    assert [(crossing.kind.value, crossing.status) for crossing in counted] == [
        ("entry", 207),
        ("entry", 207),
        ("home", 207),
        ("report", 207),
        ("report", 404),
        ("write", 201),
        ("write", 404),
    ]


async def test_redirects_and_refusals_are_requests_too(script: Script, other_script: Script) -> None:
    counted: list[Crossing] = []
    script.on("PROPFIND", HOME, Scripted(302, headers={"Location": f"{other_script.origin}{HOME}"}))
    script.on("PROPFIND", "/", Scripted(401))
    other_script.on("PROPFIND", HOME, Scripted(401))

    async with ICloud(Endpoint(script.origin, LOOPBACK), counter=counted.append) as icloud:
        with pytest.raises(CredentialsRejected):
            await account_at(icloud, script.origin).calendars()

    assert [(crossing.kind.value, crossing.status) for crossing in counted] == [
        ("home", 302),
        ("home", 401),
        ("entry", 401),
    ]


async def test_a_request_without_an_answer_is_counted_without_one() -> None:
    counted: list[Crossing] = []

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await one_request(reader)
        await reader.read()

    async with raw_server(talk) as origin:
        hasty = replace(TIGHT, read_seconds=0.1)
        async with ICloud(Endpoint(origin, LOOPBACK), budget=hasty, counter=counted.append) as icloud:
            with pytest.raises(TryLater):
                await account_at(icloud, origin).calendars()

    assert [(crossing.kind.value, crossing.status, crossing.bytes_in) for crossing in counted] == [("home", None, 0)]


async def test_a_body_that_was_cut_short_counts_as_far_as_it_came() -> None:
    counted: list[Crossing] = []
    head = b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one_request(reader)
        writer.write(head + b"<multistatus")
        await writer.drain()

    async with (
        raw_server(talk) as origin,
        ICloud(Endpoint(origin, LOOPBACK), budget=TIGHT, counter=counted.append) as icloud,
    ):
        with pytest.raises(TryLater):
            await account_at(icloud, origin).calendars()

    assert [crossing.bytes_in for crossing in counted] == [len(head + b"<multistatus")]
