"""Objects with odd names, on servers that are not ours to change."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from shared.tests.icloud.scripted import Opening

from caldav_servers import NOON, Person, Server, Simulated, event
from icloud import Account, CalendarObject, ListedCalendar, paths
from icloud_simulator.client import SimulatorAdmin

pytestmark = pytest.mark.servers

DAY = timedelta(days=1)
ODD_NAMES = (
    "Termin\u00a01-at-home",
    "100%-certain-00001",
    "one%2Fother-00001",
    "café-nfc-00000001",
    "cafe\u0301-nfd-00001",
    "a;b-00000000001",
)
# Radicale and Xandikos do not take these, or name them otherwise afterwards.
ODDEST_NAMES = ("item/7@example.com", "x\ty-0000000001", "who?#1-00000001")


@pytest.fixture
async def account(person: Person, opened: Opening) -> AsyncIterator[Account]:
    async with opened(person.entry, ca_file=person.ca_file) as icloud:
        yield icloud.account(person.credential)


async def home_calendar(account: Account) -> ListedCalendar:
    return next(calendar for calendar in await account.calendars() if calendar.path.endswith("/home/"))


async def odd_names_in_home(server: Server, person: Person) -> dict[str, str]:
    """Texts by name, decoded: the simulator's are put there by the iPhone, as a PUT of such a name is refused."""
    if not isinstance(server, Simulated):
        texts = {name: event(f"object-{number}-of-odd-name") for number, name in enumerate(ODD_NAMES)}
        await person.adds("home", {quote(name, safe=""): text for name, text in texts.items()})
        return texts
    texts = {name: event(f"object-{number}-of-odd-name") for number, name in enumerate((*ODD_NAMES, *ODDEST_NAMES))}

    def put() -> None:
        with SimulatorAdmin(server.admin) as admin:
            admin.put_objects(person.credential.apple_id, "home", {f"{name}.ics": text for name, text in texts.items()})

    await asyncio.to_thread(put)
    return texts


async def test_an_object_with_an_odd_name_is_one_like_any_other(
    server: Server, account: Account, person: Person
) -> None:
    before = await home_calendar(account)
    assert before.token is not None
    texts = await odd_names_in_home(server, person)
    hrefs = [paths.decoded(f"{before.path}{quote(name, safe='')}.ics") for name in texts]

    listed = await account.listing(before.path, NOON - DAY, NOON + DAY)
    changes = await account.changes(before.path, before.token)
    found = [result async for result in account.objects(before.path, hrefs)]

    assert set(listed) == set(changes.changed) == set(await account.contents(before.path)) == set(hrefs)
    for href, name, result in zip(hrefs, texts, found, strict=True):
        assert isinstance(result, CalendarObject)
        assert set(result.text.splitlines()) == set(texts[name].splitlines())
        got = await account.get(href)
        assert isinstance(got, CalendarObject)
        assert (got.text.splitlines(), got.etag) == (result.text.splitlines(), listed[href])
        await account.delete(href, if_match=got.etag)
    assert (await account.changes(before.path, changes.token)).removed == set(hrefs)
