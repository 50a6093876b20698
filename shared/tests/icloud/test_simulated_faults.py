"""Faults of iCloud, as our simulator plays them: each ends in the error that says what to do, or in nothing at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shared.tests.icloud.scripted import Opening

from icloud import (
    Absence,
    Account,
    AppleCredential,
    Budget,
    CalendarNotEnabled,
    CalendarObject,
    CredentialsRejected,
    Home,
    ICloudError,
    Missing,
    NotUnderstood,
    TokenDead,
    TryLater,
)
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.simulator import Options, Simulator

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HASTY = Budget(connect_seconds=5, read_seconds=1, whole_seconds=2)


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(Options(port=0, admin_port=0, demo=False)) as running:
        yield running


@pytest.fixture
def admin(simulator: Simulator) -> Iterator[SimulatorAdmin]:
    with SimulatorAdmin(simulator.admin_url) as admin:
        yield admin


@pytest.fixture
async def owner(admin: SimulatorAdmin) -> SimulatedAccount:
    return await asyncio.to_thread(admin.create_account)


@pytest.fixture
async def account(owner: SimulatedAccount, simulator: Simulator, opened: Opening) -> AsyncIterator[Account]:
    async with opened(simulator.url, budget=HASTY) as icloud:
        yield icloud.account(AppleCredential.typed(owner.apple_id, owner.app_password))


async def set_faults(admin: SimulatorAdmin, owner: SimulatedAccount, **knobs: Any) -> None:  # noqa: ANN401 -- as the admin takes them
    await asyncio.to_thread(lambda: admin.set_faults(owner.apple_id, **knobs))


async def home_calendar(account: Account) -> tuple[str, str]:
    calendars = await account.calendars()
    calendar = next(calendar for calendar in calendars if calendar.path.endswith("/home/"))
    return calendar.path, calendar.token or ""


async def add_events(admin: SimulatorAdmin, owner: SimulatedAccount, count: int) -> list[str]:
    def add() -> list[str]:
        span = (NOON, NOON + timedelta(hours=1))
        return [admin.add_event(owner.apple_id, "home", f"Event {number}", span) for number in range(count)]

    return await asyncio.to_thread(add)


@pytest.mark.parametrize("old_host", ["unauthorized", "misdirected", "reset", "refused", "serves"])
async def test_a_moved_partition_is_found_again(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account, old_host: str
) -> None:
    before = await account.discover()
    assert account.home is before
    await account.calendars()
    await asyncio.to_thread(lambda: admin.move_partition(owner.apple_id, old_host=old_host))

    assert await account.calendars()
    assert account.home is not None
    assert (account.home.origin == before.origin) == (old_host == "serves")


async def test_changing_the_apple_password_rejects_the_credentials(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    await account.calendars()
    await asyncio.to_thread(lambda: admin.change_main_password(owner.apple_id))

    with pytest.raises(CredentialsRejected):
        await account.calendars()


async def test_an_account_without_calendar_is_told_where_apple_tells_it(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    await asyncio.to_thread(lambda: admin.set_standing(owner.apple_id, calendar_enabled=False))
    await set_faults(admin, owner, not_enabled_as="no_home")

    with pytest.raises(CalendarNotEnabled):
        await account.discover()


@pytest.mark.parametrize(
    ("knobs", "error"),
    [
        ({"html": 1}, NotUnderstood),
        ({"truncated": 1}, (TryLater, NotUnderstood)),
        ({"cut": 1}, TryLater),
        ({"reset": 1}, TryLater),
        ({"bytes_per_second": 20}, TryLater),
        ({"latency_seconds": 30}, TryLater),
        ({"errors": {500: 1}}, TryLater),
        ({"errors": {421: 1}}, TryLater),
        ({"empty_multistatus": 1, "host": "partition"}, NotUnderstood),
        ({"home_missing": 1}, CalendarNotEnabled),
        ({"unauthorized": 1}, CredentialsRejected),
    ],
    ids=str,
)
async def test_a_fault_is_told_and_nothing_is_learnt(
    admin: SimulatorAdmin,
    owner: SimulatedAccount,
    account: Account,
    knobs: dict[str, Any],
    error: type[ICloudError] | tuple[type[ICloudError], ...],
) -> None:
    await account.calendars()
    await set_faults(admin, owner, **knobs)

    with pytest.raises(error):
        await account.calendars()


@pytest.mark.parametrize("status", [429, 503])
async def test_throttling_carries_what_the_server_asked_for(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account, status: int
) -> None:
    await set_faults(admin, owner, errors={status: 1}, retry_after="600")

    with pytest.raises(TryLater) as error:
        await account.discover()

    assert error.value.after == timedelta(minutes=10)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_an_entry_that_redirects_is_followed(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account, status: int
) -> None:
    await set_faults(admin, owner, redirect=status)

    assert await account.calendars()


async def test_spellings_of_apple_make_no_difference(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    await set_faults(admin, owner, joined_challenges=True, short_principal_href=True, missing_ctag=True)

    home = await account.discover()
    calendars = await account.calendars()

    assert home.principal == owner.principal
    assert {calendar.ctag for calendar in calendars} == {None}


async def test_changes_come_whole_through_small_pages_and_doubled_entries(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    path, token = await home_calendar(account)
    hrefs = await add_events(admin, owner, 7)
    await set_faults(admin, owner, sync_page=3, duplicate_hrefs=1)

    changes = await account.changes(path, token)

    assert set(changes.changed) == set(hrefs)


@pytest.mark.parametrize("told", [True, False])
async def test_an_expired_token_is_dead_however_it_is_told(
    admin: SimulatorAdmin,
    owner: SimulatedAccount,
    account: Account,
    told: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    path, token = await home_calendar(account)
    await add_events(admin, owner, 1)
    await asyncio.to_thread(lambda: admin.expire_tokens(owner.apple_id, "home"))
    await set_faults(admin, owner, dead_tokens_told=told)

    with pytest.raises(TokenDead):
        await account.changes(path, token)


async def test_an_answer_about_another_calendar_changes_nothing(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    path, token = await home_calendar(account)
    await add_events(admin, owner, 2)
    await set_faults(admin, owner, wrong_calendar=True)
    other = path.replace("/home/", "/work/")

    with pytest.raises((NotUnderstood, TokenDead)):
        await account.changes(other, token)
    with pytest.raises(NotUnderstood, match="wrong_calendar"):
        await account.listing(other, NOON - DAY, NOON + DAY)


async def test_an_object_that_is_listed_and_never_there_costs_only_itself(
    admin: SimulatorAdmin, owner: SimulatedAccount, account: Account
) -> None:
    path, _ = await home_calendar(account)
    good, bad = await add_events(admin, owner, 2)
    await set_faults(admin, owner, gone_hrefs=[bad])

    found = [result async for result in account.objects(path, [good, bad])]

    assert isinstance(found[0], CalendarObject)
    assert found[1] == Missing(bad, Absence.GONE)


async def test_a_remembered_home_needs_no_discovery(
    owner: SimulatedAccount, simulator: Simulator, admin: SimulatorAdmin, opened: Opening
) -> None:
    async with opened(simulator.url) as icloud:
        credential = AppleCredential.typed(owner.apple_id, owner.app_password)
        home = await icloud.account(credential).discover()
        await asyncio.to_thread(admin.forget_requests)

        await icloud.account(credential, Home(home.principal, home.origin, home.path, home.addresses)).calendars()

    assert len(await asyncio.to_thread(lambda: admin.requests(owner.apple_id))) == 1
