"""The fake account holds to what the real client does on the simulator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from icloud import AppleCredential, CalendarGone, CalendarObject, ICloud, Missing, TokenDead
from sync_worker.application.accounts import Account
from worker_examples import ics
from worker_fakes import FakeICloud

SOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=3)
START, END = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=400)
FIRST, SECOND = "a-meeting-of-two-people", "a-third-one-joins-later"


@dataclass
class Apple:
    """An account, and its owner's hands on it."""

    account: Account
    path: str
    put: Callable[[str, str], object]
    delete: Callable[[str], object]
    expire: Callable[[], object]

    async def token(self) -> str:
        (home,) = [one for one in await self.account.calendars() if one.path == self.path]
        return home.token or ""

    def href(self, name: str) -> str:
        return f"{self.path}{name}.ics"


def fake() -> Apple:
    icloud = FakeICloud()
    home = icloud.calendar("home")

    def expire() -> None:
        home.dead_before = len(home.log) + 1
        home.log.append("")

    return Apple(icloud, home.path, home.put, home.delete, expire)


@pytest.fixture(params=["fake", "simulator"])
async def apple(request: pytest.FixtureRequest) -> AsyncIterator[Apple]:
    if request.param == "fake":
        yield fake()
        return
    admin, endpoint = request.getfixturevalue("admin"), request.getfixturevalue("endpoint")
    made = await asyncio.to_thread(admin.create_account)
    async with ICloud(endpoint) as icloud:
        yield Apple(
            icloud.account(AppleCredential(made.apple_id, made.app_password)),
            f"{made.home}home/",
            lambda name, text: admin.put_object(made.apple_id, "home", f"{name}.ics", text),
            lambda name: admin.delete_object(made.apple_id, "home", f"{name}.ics"),
            lambda: admin.expire_tokens(made.apple_id, "home"),
        )


async def of(apple: Apple, *names: str) -> list[CalendarObject | Missing]:
    return [one async for one in apple.account.objects(apple.path, [apple.href(name) for name in names])]


async def test_a_change_moves_ctag_and_token_and_is_told_since_the_old_one(apple: Apple) -> None:
    before = await apple.token()

    await asyncio.to_thread(apple.put, FIRST, ics("uid-1", SOON.isoformat()))

    changes = await apple.account.changes(apple.path, before)
    assert await apple.token() != before
    assert (set(changes.changed), changes.removed) == ({apple.href(FIRST)}, frozenset())
    assert changes.token == await apple.token()
    assert (await apple.account.changes(apple.path, changes.token)).changed == {}


async def test_a_deletion_is_told(apple: Apple) -> None:
    await asyncio.to_thread(apple.put, FIRST, ics("uid-1", SOON.isoformat()))
    before = await apple.token()

    await asyncio.to_thread(apple.delete, FIRST)

    changes = await apple.account.changes(apple.path, before)
    assert not changes.changed
    assert changes.removed == {apple.href(FIRST)}


async def test_a_listing_names_what_lies_in_its_window(apple: Apple) -> None:
    await asyncio.to_thread(apple.put, FIRST, ics("uid-1", SOON.isoformat()))
    await asyncio.to_thread(apple.put, SECOND, ics("uid-2", "2019-01-01T10:00"))

    listed = await apple.account.listing(apple.path, START, END)

    (object_,) = await of(apple, FIRST)
    assert isinstance(object_, CalendarObject)
    assert listed == {apple.href(FIRST): object_.etag}


async def test_objects_come_as_they_are_and_what_is_not_there_is_missing(apple: Apple) -> None:
    text = ics("uid-1", SOON.isoformat())
    await asyncio.to_thread(apple.put, FIRST, text)

    found = await of(apple, FIRST, SECOND)

    assert [type(one) for one in found] == [CalendarObject, Missing]
    assert isinstance(found[0], CalendarObject)
    assert found[0].text.split() == text.split()


async def test_an_expired_token_is_dead(apple: Apple) -> None:
    before = await apple.token()
    await asyncio.to_thread(apple.expire)

    with pytest.raises(TokenDead):
        await apple.account.changes(apple.path, before)


async def test_a_calendar_that_is_not_there_is_gone(apple: Apple) -> None:
    with pytest.raises(CalendarGone):
        await apple.account.listing(apple.path.replace("home/", "nowhere/"), START, END)
