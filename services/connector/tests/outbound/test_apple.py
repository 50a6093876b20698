"""What everybody promises who proves credentials."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from connector.application.prove import Apple
from connector.outbound.apple import ICloudAccounts
from connector_examples import CALENDARS, CREDENTIAL
from connector_fakes import FakeApple
from icloud import AppleCredential, CredentialsRejected, Endpoint, ICloud, NotUnderstood, TryLater
from icloud_simulator.client import SimulatorAdmin

OTHER_PASSWORD = "wrng-wrng-wrng-wrng"


@dataclass(frozen=True)
class Known:
    """An Apple account that can be asked for by two names."""

    apple: Apple
    credential: AppleCredential
    alias: AppleCredential


@pytest.fixture(params=["fake", "simulator"])
async def known(request: pytest.FixtureRequest) -> AsyncIterator[Known]:
    if request.param == "fake":
        alias = AppleCredential("marie@me.com", CREDENTIAL.app_password)
        there = ("/20451177/principal/", CALENDARS)
        yield Known(FakeApple({CREDENTIAL: there, alias: there}), CREDENTIAL, alias)
        return
    admin, endpoint = request.getfixturevalue("admin"), request.getfixturevalue("endpoint")
    made = admin.create_account(aliases=[f"alias.{id(request)}@me.com"])
    credentials = [AppleCredential(one, made.app_password) for one in (made.apple_id, f"alias.{id(request)}@me.com")]
    async with ICloud(endpoint) as icloud:
        yield Known(ICloudAccounts(icloud, endpoint), *credentials)


async def test_a_good_credential_shows_the_account_and_its_calendars(known: Known) -> None:
    proven = await known.apple.prove(known.credential, "c-1")

    assert proven.principal.endswith("/principal/")
    assert {c.reason for c in proven.calendars} >= {None, "reminders"}


async def test_calendar_ids_belong_to_the_connection(known: Known) -> None:
    once = await known.apple.prove(known.credential, "c-1")
    again = await known.apple.prove(known.credential, "c-1")
    elsewhere = await known.apple.prove(known.credential, "c-2")

    assert once == again
    assert not {c.id for c in once.calendars} & {c.id for c in elsewhere.calendars}


async def test_an_alias_is_the_same_apple_account(known: Known) -> None:
    one = await known.apple.prove(known.credential, "c-1")
    other = await known.apple.prove(known.alias, "c-1")

    assert one.fingerprint == other.fingerprint
    assert one.principal not in one.fingerprint


@pytest.mark.parametrize("apple_id", ["", "nobody@icloud.com"], ids=["wrong password", "unknown user"])
async def test_a_bad_credential_is_refused(known: Known, apple_id: str) -> None:
    with pytest.raises(CredentialsRejected):
        await known.apple.prove(AppleCredential(apple_id or known.credential.apple_id, OTHER_PASSWORD), "c-1")


async def test_calendars_are_listed_as_apple_marks_them(admin: SimulatorAdmin, endpoint: Endpoint) -> None:
    made = admin.create_account()
    admin.add_calendar(made.apple_id, "Jours fériés", kind="subscribed", source="https://example.test/feed.ics")
    admin.add_calendar(made.apple_id, "Famille", access="read_only")

    async with ICloud(endpoint) as icloud:
        proven = await ICloudAccounts(icloud, endpoint).prove(AppleCredential(made.apple_id, made.app_password), "c")

    listed = {c.name: (c.supported, c.writable, c.shared, c.reason) for c in proven.calendars}
    assert listed["Home"] == (True, True, False, None)
    assert listed["Jours fériés"][0] is False
    assert listed["Jours fériés"][3] == "subscribed"
    assert listed["Famille"] == (True, False, True, None)
    assert listed["Reminders"][3] == "reminders"


async def test_the_same_account_number_in_another_world_is_another_account(
    admin: SimulatorAdmin, endpoint: Endpoint
) -> None:
    made = admin.create_account()
    credential = AppleCredential(made.apple_id, made.app_password)
    elsewhere = Endpoint(endpoint.entry_url.replace("127.0.0.1", "localhost"), endpoint.trusted_hosts)

    async with ICloud(endpoint) as icloud:
        here = await ICloudAccounts(icloud, endpoint).prove(credential, "c")
        there = await ICloudAccounts(icloud, elsewhere).prove(credential, "c")

    assert here.principal == there.principal
    assert here.fingerprint != there.fingerprint


async def test_more_calendars_than_can_be_are_not_understood(
    admin: SimulatorAdmin, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.outbound.apple.MOST_CALENDARS", 2)
    made = admin.create_account()

    async with ICloud(endpoint) as icloud:
        with pytest.raises(NotUnderstood):
            await ICloudAccounts(icloud, endpoint).prove(AppleCredential(made.apple_id, made.app_password), "c")


async def test_nobody_waits_longer_than_a_person_does(admin: SimulatorAdmin, endpoint: Endpoint) -> None:
    made = admin.create_account()
    admin.set_faults(latency_seconds=30)

    async with ICloud(endpoint) as icloud:
        accounts = ICloudAccounts(icloud, endpoint, patience=timedelta(seconds=0.2))
        with pytest.raises(TryLater):
            await accounts.prove(AppleCredential(made.apple_id, made.app_password), "c")
