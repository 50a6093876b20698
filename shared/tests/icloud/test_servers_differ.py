"""Where the servers differ, and that no caller of the client has to know: the table of docs/icloud-client.md."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from shared.tests.icloud.scripted import PATIENCE
from shared.tests.icloud.transports import LOOPBACK

from caldav_servers import NOON, Person, Server, event
from icloud import (
    Account,
    CalendarObject,
    Crossing,
    Endpoint,
    Forbidden,
    ICloud,
    ICloudError,
    ListedCalendar,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
    TryLater,
)

pytestmark = pytest.mark.servers

# None: the server takes it.
WITHOUT_AN_END: dict[str, type[ICloudError] | None] = {"Radicale": None, "Xandikos": None, "Simulated": NotUnderstood}
WITH_A_METHOD = WITHOUT_AN_END
WITH_SPACES_IN_ITS_NAME = WITHOUT_AN_END
UID_IN_ANOTHER_CALENDAR: dict[str, type[ICloudError] | None] = {
    "Radicale": None,
    "Xandikos": None,
    "Simulated": PreconditionFailed,
}
DEAD_TOKEN = {"Radicale": [403], "Xandikos": [412], "Simulated": [403, 207]}
CALENDAR_THAT_IS_NOT_THERE = {"Radicale": [409, 404], "Xandikos": [409, 207], "Simulated": [404, 404]}
SOMEBODY_ELSES_HOME = {"Radicale": Forbidden, "Xandikos": TryLater, "Simulated": Forbidden}
SAYS_ITS_ADDRESSES = {"Radicale": True, "Xandikos": False, "Simulated": True}
TOKEN_IS_THE_CTAG = {"Radicale": False, "Xandikos": True, "Simulated": True}
KEEPS_THE_TEXT = {"Radicale": False, "Xandikos": False, "Simulated": True}


class Counted(list[Crossing]):
    """Requests so far."""

    def statuses(self) -> list[int | None]:
        """Their statuses, and begin anew."""
        statuses = [crossing.status for crossing in self]
        self.clear()
        return statuses


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def name(server: Server) -> str:
    return type(server).__name__


@pytest.fixture
async def account(person: Person, counted: Counted) -> AsyncIterator[Account]:
    endpoint = Endpoint(person.entry, LOOPBACK, person.ca_file)
    async with ICloud(endpoint, budget=PATIENCE, counter=counted.append) as icloud:
        yield icloud.account(person.credential)


async def home_calendar(account: Account) -> ListedCalendar:
    return next(calendar for calendar in await account.calendars() if calendar.path.endswith("/home/"))


async def put(account: Account, href: str, text: str) -> type[ICloudError] | None:
    try:
        await account.put(href, text, if_match=None)
    except ICloudError as error:
        return type(error)
    return None


async def test_every_server_takes_two_requests_to_find_the_home_and_one_to_list_it(
    account: Account, counted: Counted, name: str
) -> None:
    home = await account.discover()
    found = counted.statuses()
    calendar = await home_calendar(account)

    assert (found, counted.statuses()) == ([207, 207], [207])
    assert bool(home.addresses) == SAYS_ITS_ADDRESSES[name]
    assert (calendar.token == calendar.ctag) == TOKEN_IS_THE_CTAG[name]


async def test_a_dead_token_is_dead_in_every_form(account: Account, counted: Counted, name: str) -> None:
    calendar = await home_calendar(account)
    counted.clear()

    with pytest.raises(TokenDead):
        await account.changes(calendar.path, "HwoQEgwAAAhnever-heard-of==")

    assert counted.statuses() == DEAD_TOKEN[name]


async def test_what_a_server_makes_of_a_text_is_its_own_affair(account: Account, person: Person, name: str) -> None:
    text = event("with-properties-of-1").replace("END:VEVENT", "X-APPLE-X;X-T=a:b\r\nEND:VEVENT")
    calendar = await home_calendar(account)
    await person.adds("home", {"with-properties-of-1": text})

    found = await account.get(f"{calendar.path}with-properties-of-1.ics")

    assert isinstance(found, CalendarObject)
    assert (found.text == text) == KEEPS_THE_TEXT[name]
    assert set(text.splitlines()) == set(found.text.splitlines())


async def test_what_the_simulator_refuses_as_icloud_does_others_may_take(account: Account, name: str) -> None:
    calendar = await home_calendar(account)
    whole = event("object-of-its-kind-1")
    endless = whole.replace(f"DTEND:{NOON + timedelta(hours=1):%Y%m%dT%H%M%SZ}\r\n", "")
    mailed = event("object-of-its-kind-2").replace("BEGIN:VEVENT", "METHOD:REQUEST\r\nBEGIN:VEVENT")

    assert await put(account, f"{calendar.path}object-of-its-kind-1.ics", endless) is WITHOUT_AN_END[name]
    assert await put(account, f"{calendar.path}object-of-its-kind-2.ics", mailed) is WITH_A_METHOD[name]
    spaced = event("object-of-its-kind-3")
    assert await put(account, f"{calendar.path}object of its kind 3.ics", spaced) is WITH_SPACES_IN_ITS_NAME[name]


async def test_whether_a_uid_may_be_in_two_calendars_differs(account: Account, person: Person, name: str) -> None:
    await person.makes_calendar("a-second-calendar")
    await person.adds("a-second-calendar", {"the-first-of-its-uid": event("one-uid-for-two-0002")})
    calendar = await home_calendar(account)

    refusal = await put(account, f"{calendar.path}another-of-the-uid2.ics", event("one-uid-for-two-0002"))

    assert refusal is UID_IN_ANOTHER_CALENDAR[name]


async def test_a_write_to_no_calendar_is_told_apart_from_a_bad_object(
    account: Account, counted: Counted, name: str
) -> None:
    calendar = await home_calendar(account)
    counted.clear()

    path = calendar.path.replace("/home/", "/no-such-calendar/")
    refusal = await put(account, f"{path}object-of-its-kind-1.ics", event("object-of-its-kind-1"))

    assert refusal is not None
    assert refusal.__name__ == "CalendarGone"
    assert counted.statuses() == CALENDAR_THAT_IS_NOT_THERE[name]


async def test_somebody_elses_home_stays_shut_and_blames_no_credential(
    server: Server, account: Account, name: str
) -> None:
    other = await server.person()
    async with ICloud(Endpoint(other.entry, LOOPBACK, other.ca_file), budget=PATIENCE) as icloud:
        theirs = await icloud.account(other.credential).discover()
    await account.calendars()

    account.home = theirs
    with pytest.raises(SOMEBODY_ELSES_HOME[name]):
        await account.calendars()
