import asyncio
from dataclasses import dataclass, field

import pytest

from connector.application.prove import Asker, Prove, Proven
from connector.application.refusals import TooManyAttempts
from connector.domain.attempts import DEFAULT_LIMITS, Scope
from connector.domain.connection import Owner
from connector_examples import APP_PASSWORD, CALENDARS, CREDENTIAL, MARIE, PRINCIPAL, STRANGER
from connector_fakes import FakeApple, FakeAttempts
from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, ICloudError, NotUnderstood, TryLater

WRONG = AppleCredential(CREDENTIAL.apple_id, "wron-gwro-ngwr-ongw")


@dataclass
class World:
    apple: FakeApple = field(default_factory=lambda: FakeApple({CREDENTIAL: (PRINCIPAL, CALENDARS)}))
    attempts: FakeAttempts = field(default_factory=FakeAttempts)
    network: str | None = "198.51.100.0/24"

    def __post_init__(self) -> None:
        self.prove = Prove(self.apple, self.attempts, DEFAULT_LIMITS, lambda: self.network)

    async def refused(self, credential: AppleCredential = WRONG, owner: Owner = MARIE, *, times: int = 1) -> None:
        """Apple refuses."""
        for _ in range(times):
            with pytest.raises(CredentialsRejected):
                await self.prove(Asker(owner), credential, "c-1")

    async def too_many(self, credential: AppleCredential = WRONG, owner: Owner = MARIE) -> TooManyAttempts:
        """Apple is not asked."""
        before = self.apple.asked, self.totals()
        with pytest.raises(TooManyAttempts) as refused:
            await self.prove(Asker(owner), credential, "c-1")
        assert (self.apple.asked, self.totals()) == before
        assert self.attempts.open == {}
        return refused.value

    def totals(self) -> list[int]:
        return [self.attempts.total(scope) for scope in Scope]


def one_of_many(number: int) -> AppleCredential:
    return AppleCredential(f"someone.{number}@icloud.com", APP_PASSWORD)


async def test_five_refusals_of_an_apple_id_and_the_sixth_attempt_is_not_made_whoever_makes_it() -> None:
    world = World()
    await world.refused(times=3)
    await world.refused(owner=STRANGER, times=2)

    refusal = await world.too_many()
    also_the_right_one = await world.too_many(CREDENTIAL, STRANGER)

    # Its slice is of 15 s, and counts for as long as it could hold an attempt within the quarter of an hour.
    assert refusal.until - world.attempts.now == refusal.after == DEFAULT_LIMITS[Scope.APPLE_ID].within * 61 / 60
    assert (refusal.reason, also_the_right_one.until) == ("apple_id", refusal.until)
    world.attempts.now = refusal.until
    assert isinstance(await world.prove(Asker(MARIE), CREDENTIAL, "c-1"), Proven)


async def test_a_user_a_network_and_an_account_have_limits_of_their_own() -> None:
    world = World()
    people = [Owner("acc-salon", f"usr-{number}") for number in range(4)]
    for number in range(30):
        await world.refused(one_of_many(number), people[number // 10])

    assert (await world.too_many(one_of_many(99), people[0])).reason == "user"
    assert (await world.too_many(one_of_many(99), people[3])).reason == "network"
    world.network = None
    for number in range(70):
        await world.refused(one_of_many(number), Owner("acc-salon", f"usr-{number + 100}"))
    assert (await world.too_many(one_of_many(99), people[3])).reason == "account"
    await world.refused(one_of_many(99), STRANGER)


async def test_what_everybody_does_together_is_limited_too() -> None:
    world = World(network=None)
    for number in range(600):
        await world.refused(one_of_many(number), Owner(f"acc-{number % 7}", f"usr-{number}"))

    assert (await world.too_many(one_of_many(601), STRANGER)).reason == "everyone"


@pytest.mark.parametrize("outcome", [None, CalendarNotEnabled(), TryLater(None, "down"), NotUnderstood("html")])
async def test_what_apple_did_not_refuse_locks_nobody_out(outcome: ICloudError | None) -> None:
    world = World()
    world.apple.fails_with = outcome
    for _ in range(20):
        try:
            await world.prove(Asker(MARIE), CREDENTIAL, "c-1")
        except ICloudError as error:
            assert error is outcome  # noqa: PT017 - one of the outcomes is none

    assert world.apple.asked == 20
    assert world.totals() == [0] * 5


async def test_an_attempt_that_breaks_off_counts() -> None:
    world = World()
    world.apple.fails_with = RuntimeError("the process is going down")  # type: ignore[assignment]  # no error of Apple's

    with pytest.raises(RuntimeError):
        await world.prove(Asker(MARIE), CREDENTIAL, "c-1")

    assert world.totals() == [1] * 5


async def test_where_nothing_can_be_counted_nothing_is_tried() -> None:
    world = World()
    world.attempts.fails_with = ConnectionError("MongoDB is away")

    with pytest.raises(ConnectionError):
        await world.prove(Asker(MARIE), CREDENTIAL, "c-1")

    assert world.apple.asked == 0


@pytest.mark.parametrize("scope", Scope)
async def test_an_attempt_that_could_not_be_counted_everywhere_counts_nowhere(scope: Scope) -> None:
    world = World()
    world.attempts.loses = scope
    for _ in range(5):
        with pytest.raises(ConnectionError):
            await world.prove(Asker(MARIE), CREDENTIAL, "c-1")
    before = world.apple.asked, world.totals(), world.attempts.open

    world.attempts.loses = None
    proven = await world.prove(Asker(MARIE), CREDENTIAL, "c-1")

    assert before == (0, [0] * 5, {})
    assert isinstance(proven, Proven)


async def test_strangers_who_try_an_apple_id_do_not_keep_its_owner_from_renewing() -> None:
    world = World()
    await world.refused(owner=STRANGER, times=5)
    await world.too_many(owner=STRANGER)

    renewed = await world.prove(Asker(MARIE, renews="c-1"), CREDENTIAL, "c-1")

    assert renewed.principal == PRINCIPAL


async def test_an_owner_who_renews_with_wrong_passwords_has_five_tries_too() -> None:
    world = World()
    for _ in range(5):
        with pytest.raises(CredentialsRejected):
            await world.prove(Asker(MARIE, renews="c-1"), WRONG, "c-1")

    with pytest.raises(TooManyAttempts):
        await world.prove(Asker(MARIE, renews="c-1"), WRONG, "c-1")


class SlowApple(FakeApple):
    """Answers once five ask at once, or when it is told to."""

    answer: asyncio.Event
    at_once: int = 0
    most: int = 0

    async def prove(self, credential: AppleCredential, connection_id: str) -> Proven:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once >= 5:
            self.answer.set()
        await self.answer.wait()
        self.at_once -= 1
        return await super().prove(credential, connection_id)


async def test_twenty_right_ones_at_once_are_let_through_five_at_a_time() -> None:
    apple = SlowApple({CREDENTIAL: (PRINCIPAL, CALENDARS)})
    apple.answer = asyncio.Event()
    world = World(apple)
    people = [Owner("acc-salon", f"usr-{number}") for number in range(20)]

    proven = await asyncio.gather(*(world.prove(Asker(owner), CREDENTIAL, "c-1") for owner in people))

    assert (len(proven), apple.most) == (20, 5)
    assert world.attempts.open == {}


async def test_of_twenty_wrong_ones_at_once_five_reach_apple() -> None:
    apple = SlowApple()
    apple.answer = asyncio.Event()
    apple.answer.set()
    world = World(apple)
    people = [Owner(f"acc-{number}", "usr-1") for number in range(20)]

    tasks = [world.prove(Asker(owner), WRONG, "c-1") for owner in people]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"CredentialsRejected": 5, "TooManyAttempts": 15}
    assert apple.asked == 5
