from collections.abc import AsyncIterator

import pytest
from shared.tests.icloud.scripted import HOME, Opening, Script, Scripted, golden

from icloud import (
    Account,
    AppleCredential,
    CredentialsRejected,
    Home,
    TryLater,
)

Pair = tuple[Script, Script]


async def test_an_idle_poll_is_one_request(script: Script, account: Account) -> None:
    script.on("PROPFIND", HOME, Scripted(body=golden("calendars.xml")))

    await account.calendars()

    assert script.paths() == [f"PROPFIND {HOME}"]


async def test_without_a_home_it_is_found_first(apple: Pair, opened: Opening, credential: AppleCredential) -> None:
    host, partition = apple

    async with opened(f"{host.origin}/") as icloud:
        account = icloud.account(credential)
        assert len(await account.calendars()) == 8

    assert account.home is not None
    assert account.home.origin == partition.origin


@pytest.fixture
async def moved(
    apple: Pair, opened: Opening, credential: AppleCredential, unused_tcp_port: int
) -> AsyncIterator[Account]:
    """An account that remembers a partition on which nobody listens any more."""
    async with opened(f"{apple[0].origin}/") as icloud:
        yield icloud.account(credential, Home("/20451177/principal/", f"http://127.0.0.1:{unused_tcp_port}", HOME, ()))


async def test_a_partition_that_moved_heals_through_the_entry(apple: Pair, moved: Account) -> None:
    assert len(await moved.calendars()) == 8
    assert moved.home is not None
    assert moved.home.origin == apple[1].origin
    assert len(await moved.calendars()) == 8

    assert len(apple[0].asked) == 2


async def test_a_remembered_partition_that_is_no_longer_trusted_heals_too(apple: Pair, moved: Account) -> None:
    moved.home = Home("/20451177/principal/", origin="https://p42-caldav.icloud.com:443", path=HOME, addresses=())

    assert len(await moved.calendars()) == 8
    assert moved.home is not None
    assert moved.home.origin == apple[1].origin


@pytest.mark.parametrize("status", [401, 421, 404])
async def test_a_host_that_no_longer_serves_the_account_heals_too(
    apple: Pair, opened: Opening, credential: AppleCredential, status: int
) -> None:
    host, partition = apple
    host.on("PROPFIND", HOME, Scripted(status))

    async with opened(f"{host.origin}/") as icloud:
        account = icloud.account(credential, Home("/20451177/principal/", host.origin, HOME, ()))
        assert len(await account.calendars()) == 8

    assert account.home is not None
    assert account.home.origin == partition.origin


async def test_when_the_entry_is_down_as_well_nothing_is_blamed(moved: Account, apple: Pair) -> None:
    apple[0].on("PROPFIND", "/", Scripted(503))

    with pytest.raises(TryLater):
        await moved.calendars()


async def test_a_401_at_home_and_entry_rejects_the_credentials(
    apple: Pair, opened: Opening, credential: AppleCredential
) -> None:
    host, partition = apple
    partition.on("PROPFIND", HOME, Scripted(401))
    host.on("PROPFIND", "/", Scripted(401))

    async with opened(f"{host.origin}/") as icloud:
        with pytest.raises(CredentialsRejected):
            await icloud.account(credential, Home("/20451177/principal/", partition.origin, HOME, ())).calendars()

    assert len(host.asked) + len(partition.asked) == 2


async def test_a_permanent_redirect_of_the_home_is_remembered(
    apple: Pair, opened: Opening, credential: AppleCredential
) -> None:
    host, partition = apple
    host.on("PROPFIND", HOME, Scripted(301, headers={"Location": f"{partition.origin}{HOME}"}))

    async with opened(f"{host.origin}/") as icloud:
        account = icloud.account(credential, Home("/20451177/principal/", host.origin, HOME, ()))
        assert len(await account.calendars()) == 8

    assert account.home is not None
    assert account.home.origin == partition.origin
