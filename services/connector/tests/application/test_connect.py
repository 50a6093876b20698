import asyncio
from dataclasses import dataclass, field
from itertools import count

import pytest

from connector.application.connect import Circumstances, Connect
from connector.application.prove import Prove, Proven
from connector.application.refusals import AlreadyConnected, AppleAccountInUse
from connector.domain.attempts import DEFAULT_LIMITS
from connector.domain.connection import News
from connector_examples import (
    APP_PASSWORD,
    APPLE_ID,
    CALENDARS,
    CREDENTIAL,
    MARIE,
    NOW,
    PAUL,
    PRINCIPAL,
    SECRET,
    STRANGER,
    WISH,
)
from connector_fakes import FakeApple, FakeAppleIds, FakeAttempts, FakeConnections
from icloud import (
    AppleCredential,
    CalendarNotEnabled,
    CredentialsRejected,
    ICloudError,
    NotUnderstood,
    TryLater,
)


@dataclass
class World:
    store: FakeConnections = field(default_factory=FakeConnections)
    apple: FakeApple = field(default_factory=lambda: FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}))
    rings: int = 0

    def __post_init__(self) -> None:
        numbers = count(1)
        there = Circumstances(lambda: NOW, lambda: f"c-{next(numbers)}", self._ring)
        prove = Prove(self.apple, FakeAttempts(), DEFAULT_LIMITS, lambda: None)
        self.connect = Connect(prove, self.store, FakeAppleIds(), there)

    def _ring(self) -> None:
        self.rings += 1

    def is_empty(self) -> bool:
        return not (self.store.kept or self.store.claims or self.store.secrets or self.rings)


async def test_a_proven_credential_becomes_a_connection_a_sealed_secret_and_news() -> None:
    world = World()

    made = await world.connect(MARIE, CREDENTIAL, WISH)

    assert (made.id, made.owner, made.epoch, made.apple.hint) == ("c-1", MARIE, 1, "m…@icloud.com")
    assert [c.id for c in made.terms.calendars] == [f"c-1/{c.id}" for c in CALENDARS]
    assert world.store.secrets == {"c-1": SECRET}
    assert [one.news for one in world.store.kept["c-1"].pending] == [News.CONNECTED]
    assert world.rings == 1


@pytest.mark.parametrize(
    "error", [CredentialsRejected(), CalendarNotEnabled(), TryLater(None, "down"), NotUnderstood("html")]
)
async def test_what_apple_refuses_leaves_nothing_behind(error: ICloudError) -> None:
    world = World()
    world.apple.fails_with = error

    with pytest.raises(type(error)):
        await world.connect(MARIE, CREDENTIAL, WISH)

    assert world.is_empty()


async def test_who_is_connected_is_refused_before_apple_is_asked() -> None:
    world = World()
    await world.connect(MARIE, CREDENTIAL, WISH)

    with pytest.raises(AlreadyConnected):
        await world.connect(MARIE, AppleCredential("someone@else.com", APP_PASSWORD), WISH)

    assert world.apple.asked == 1


async def test_one_wish_sent_twice_at_once_makes_one_connection() -> None:
    world = World()

    outcomes = await asyncio.gather(*(world.connect(MARIE, CREDENTIAL, WISH) for _ in range(2)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes].count(AlreadyConnected) == 1
    assert len(world.store.kept) == len(world.store.secrets) == 1


async def test_an_apple_account_is_refused_in_a_second_account_also_under_another_alias() -> None:
    world = World()
    await world.connect(MARIE, CREDENTIAL, WISH)
    alias = AppleCredential("m.dupont@me.com", APP_PASSWORD)
    world.apple.accounts[alias] = (PRINCIPAL, CALENDARS)

    with pytest.raises(AppleAccountInUse) as refusal:
        await world.connect(STRANGER, alias, WISH)

    assert str(refusal.value) == ""
    assert list(world.store.kept) == ["c-1"]


async def test_two_users_of_one_account_may_share_an_apple_account() -> None:
    world = World()

    await world.connect(MARIE, CREDENTIAL, WISH)
    await world.connect(PAUL, CREDENTIAL, WISH)

    assert sorted(world.store.kept) == ["c-1", "c-2"]


def test_what_apple_proved_shows_nothing_when_printed() -> None:
    proven = Proven(PRINCIPAL, "fingerprint", CALENDARS)

    assert repr(proven) == "Proven(…)"
    assert APPLE_ID not in repr(SECRET)
