from dataclasses import dataclass, field

import pytest

from connector.application.connect import Circumstances, Connect
from connector.application.disconnect import Disconnect
from connector.application.prove import Prove, Proven
from connector.application.reconnect import Reconnect
from connector.application.refusals import AppleIdNeeded, DifferentAppleAccount, NoSuchConnection
from connector.domain.attempts import DEFAULT_LIMITS
from connector.domain.connection import Connection, News, Owner
from connector_examples import (
    APP_PASSWORD,
    APPLE_ID,
    CALENDARS,
    CREDENTIAL,
    LATER,
    MARIE,
    NOW,
    PAUL,
    PRINCIPAL,
    SECRET,
    STRANGER,
    WISH,
    WORK,
)
from connector_fakes import FakeApple, FakeAppleIds, FakeAttempts, FakeConnections
from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, ICloudError, NotUnderstood, TryLater
from icloud.credentials import CredentialMalformed, SealedCredential

PASTED = "MNBV CXZL KJHG FDSA"
OTHER_PASSWORD = "mnbv-cxzl-kjhg-fdsa"
OTHER = AppleCredential(APPLE_ID, OTHER_PASSWORD)


def proving(apple: FakeApple) -> Prove:
    return Prove(apple, FakeAttempts(), DEFAULT_LIMITS, lambda: None)


@dataclass
class World:
    """Marie is connected; Apple knows a second password of hers."""

    store: FakeConnections = field(default_factory=FakeConnections)
    remembered: FakeAppleIds = field(default_factory=FakeAppleIds)
    rings: int = 0

    def __post_init__(self) -> None:
        self.apple = FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS), OTHER: (PRINCIPAL, (*CALENDARS, WORK))})
        self.prove = proving(self.apple)
        self.reconnect = Reconnect(self.prove, self.store, self.remembered, clock=lambda: LATER, wake_relay=self._ring)

    async def begun(self) -> Connection:
        there = Circumstances(lambda: NOW, lambda: "c-1", lambda: None)
        return await Connect(self.prove, self.store, self.remembered, there)(MARIE, CREDENTIAL, WISH)

    def _ring(self) -> None:
        self.rings += 1


async def test_another_password_begins_a_new_epoch_of_the_same_connection() -> None:
    world = World()
    old = await world.begun()

    new = await world.reconnect(MARIE, "c-1", PASTED)

    assert (new.id, new.epoch, new.revision, new.changed_at) == (old.id, 2, 2, LATER)
    assert [c.name for c in new.terms.calendars][-1] == WORK.name
    assert await world.store.of(MARIE) == new
    assert world.store.secrets == {"c-1": SealedCredential(OTHER, PRINCIPAL)}
    assert [one.news for one in world.store.kept["c-1"].pending] == [News.CONNECTED, News.RECONNECTED]
    assert world.rings == 1


async def test_an_alias_of_the_same_apple_account_will_do_and_is_remembered() -> None:
    world = World()
    await world.begun()
    world.apple.accounts[AppleCredential("m.dupont@me.com", OTHER_PASSWORD)] = (PRINCIPAL, CALENDARS)

    new = await world.reconnect(MARIE, "c-1", PASTED, "M.Dupont@me.com")

    assert new.apple.hint == "m…@me.com"
    assert new.apple.remembered
    assert world.remembered.open(new.apple.remembered, "c-1") == "m.dupont@me.com"


async def test_another_apple_account_is_refused() -> None:
    world = World()
    before = await world.begun()
    world.apple.accounts[AppleCredential("paul@me.com", OTHER_PASSWORD)] = ("/777/principal/", CALENDARS)

    with pytest.raises(DifferentAppleAccount):
        await world.reconnect(MARIE, "c-1", PASTED, "paul@me.com")

    assert (await world.store.of(MARIE), world.store.secrets, world.rings) == (before, {"c-1": SECRET}, 0)


@pytest.mark.parametrize(
    "error", [CredentialsRejected(), CalendarNotEnabled(), TryLater(None, "down"), NotUnderstood("html")]
)
async def test_what_apple_refuses_changes_nothing(error: ICloudError) -> None:
    world = World()
    before = await world.begun()
    world.apple.fails_with = error

    with pytest.raises(type(error)):
        await world.reconnect(MARIE, "c-1", PASTED)

    assert (await world.store.of(MARIE), world.store.secrets, world.rings) == (before, {"c-1": SECRET}, 0)


@pytest.mark.parametrize(("password", "apple_id"), [("MyApplePassw0rd!", None), (APP_PASSWORD, "marie")])
async def test_what_cannot_be_a_credential_is_not_shown_to_apple(password: str, apple_id: str | None) -> None:
    world = World()
    await world.begun()

    with pytest.raises(CredentialMalformed):
        await world.reconnect(MARIE, "c-1", password, apple_id)

    assert world.apple.asked == 1


async def test_where_the_apple_id_is_not_remembered_it_is_needed() -> None:
    world = World(remembered=FakeAppleIds(forgetful=True))
    await world.begun()

    with pytest.raises(AppleIdNeeded):
        await world.reconnect(MARIE, "c-1", PASTED)

    assert (await world.reconnect(MARIE, "c-1", PASTED, APPLE_ID)).epoch == 2


@pytest.mark.parametrize(("who", "which"), [(PAUL, "c-1"), (STRANGER, "c-1"), (MARIE, "c-2")])
async def test_what_is_not_ones_own_is_not_there(who: Owner, which: str) -> None:
    world = World()
    await world.begun()

    with pytest.raises(NoSuchConnection):
        await world.reconnect(who, which, PASTED)

    assert world.apple.asked == 1


class EndedMeanwhile(FakeApple):
    """While Apple is asked, the user disconnects elsewhere."""

    store: FakeConnections

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        proven = await super().prove(credential, connection_id)
        await Disconnect(self.store, lambda: LATER, lambda: None)(MARIE, connection_id)
        return proven


async def test_a_connection_that_ended_meanwhile_stays_ended() -> None:
    world = World()
    await world.begun()
    apple = EndedMeanwhile(world.apple.accounts)
    apple.store = world.store
    reconnect = Reconnect(proving(apple), world.store, world.remembered, clock=lambda: LATER, wake_relay=lambda: None)

    with pytest.raises(NoSuchConnection):
        await reconnect(MARIE, "c-1", PASTED)

    assert (world.store.secrets, await world.store.of(MARIE)) == ({}, None)
