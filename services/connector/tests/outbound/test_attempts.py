"""What every count of attempts promises."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import BSON
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from connector.application.prove import Asker, Attempt, Prove
from connector.application.refusals import TooManyAttempts
from connector.domain.attempts import DEFAULT_LIMITS, Limit, Scope, Subject
from connector.domain.connection import Owner
from connector.outbound.mongo import MongoAttempts
from connector.outbound.pseudonyms import Pseudonyms
from connector_examples import APPLE_ID, CREDENTIAL, MARIE
from connector_fakes import FakeApple, FakeAttempts
from connector_stores import Databases, databases
from icloud import CredentialsRejected
from leftovers import shapes
from runtime import mongo
from runtime.settings import MongoSettings

LIMIT = Limit(5, timedelta(minutes=15))
APPLE = Subject(Scope.APPLE_ID, (APPLE_ID,))
USER = Subject(Scope.USER, (MARIE.account_id, MARIE.user_id))
MINUTE_MS = 60_000


def of(subject: Subject) -> Attempt:
    return Attempt(subject, uuid4().hex)


@dataclass(frozen=True)
class Counting:
    """Two replicas' ways to one count, and a hand on its clock."""

    one: FakeAttempts | MongoAttempts
    other: FakeAttempts | MongoAttempts
    let_pass: Callable[[int], Awaitable[None]]
    """So many minutes."""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "connector.key"
    file.write_bytes(bytes(range(32)))
    return file


def fake() -> Counting:
    attempts = FakeAttempts()

    async def let_pass(minutes: int) -> None:
        attempts.now += timedelta(minutes=minutes)

    return Counting(attempts, attempts, let_pass)


async def real(mine: Databases, key_file: Path) -> Counting:
    one, other = (MongoAttempts(mine.client, Pseudonyms(key_file), database=mine.connector) for _ in range(2))
    await one.prepare()

    async def let_pass(minutes: int) -> None:
        # MongoDB's clock does not move for us: what was counted moves back.
        def moved(array: str, *fields: str) -> Mapping[str, Any]:
            back = {field: {"$subtract": [f"$$one.{field}", minutes * MINUTE_MS]} for field in fields}
            return {"$map": {"input": array, "as": "one", "in": {"$mergeObjects": ["$$one", back]}}}

        change = {"slices": moved("$slices", "at"), "open": moved("$open", "slice", "since")}
        await mine.client[mine.connector]["attempts"].update_many({}, [{"$set": change}])

    return Counting(one, other, let_pass)


@pytest.fixture(params=["fake", pytest.param("mongodb", marks=pytest.mark.servers)])
async def counting(request: pytest.FixtureRequest, key_file: Path) -> AsyncIterator[Counting]:
    if request.param == "fake":
        yield fake()
        return
    async with databases(request.getfixturevalue("mongodb_url")) as mine:
        yield await real(mine, key_file)


async def test_attempts_add_up_across_replicas_and_apart_by_subject(counting: Counting) -> None:
    await counting.one.begin(of(APPLE), LIMIT)
    await counting.one.begin(of(USER), LIMIT)

    second = await counting.other.begin(of(APPLE), LIMIT)

    assert (second.total, second.open) == (2, 2)


async def test_an_attempt_that_does_not_count_is_taken_out_again(counting: Counting) -> None:
    first, second = of(APPLE), of(APPLE)
    for each in (first, second):
        await counting.one.begin(each, LIMIT)

    await counting.one.end(first, counts=True)
    await counting.other.end(second, counts=False)

    third = await counting.one.begin(of(APPLE), LIMIT)
    assert (third.total, third.open) == (2, 1)


async def test_taking_out_what_was_never_counted_or_is_out_already_changes_nothing(counting: Counting) -> None:
    counted, never, unknown = of(APPLE), of(APPLE), of(USER)
    await counting.one.begin(of(APPLE), LIMIT)
    await counting.one.begin(counted, LIMIT)

    for each in (counted, counted, never, unknown):
        await counting.one.end(each, counts=False)

    next_one = await counting.one.begin(of(APPLE), LIMIT)
    assert (next_one.total, next_one.open) == (2, 2)
    assert (await counting.one.begin(of(USER), LIMIT)).total == 1


async def test_an_attempt_is_counted_for_its_span_and_then_forgotten(counting: Counting) -> None:
    first = of(APPLE)
    await counting.one.begin(first, LIMIT)
    await counting.one.end(first, counts=True)

    await counting.let_pass(14)
    within = await counting.one.begin(of(APPLE), LIMIT)
    await counting.let_pass(2)
    after = await counting.one.begin(of(APPLE), LIMIT)

    assert (within.total, len(within.slices)) == (2, 2)
    assert after.total == 2
    began = [began for began, _ in within.slices]
    assert began == sorted(began)
    assert timedelta(0) <= within.now - began[-1] < LIMIT.slice


async def test_fifty_at_once_are_counted_one_by_one(counting: Counting) -> None:
    replicas = [counting.one, counting.other] * 25

    counted = await asyncio.gather(*(replica.begin(of(APPLE), LIMIT) for replica in replicas))

    assert sorted(one.total for one in counted) == list(range(1, 51))


@pytest.mark.servers
async def test_what_died_with_its_process_goes_on_counting_and_is_not_waited_for(
    mine: Databases, key_file: Path
) -> None:
    counting = await real(mine, key_file)
    dead = of(APPLE)
    await counting.one.begin(dead, LIMIT)

    await counting.let_pass(2)
    next_one = await counting.one.begin(of(APPLE), LIMIT)
    await counting.one.end(dead, counts=False)

    assert (next_one.total, next_one.open) == (2, 1)
    assert (await counting.one.begin(of(APPLE), LIMIT)).total == 3


@pytest.mark.servers
async def test_of_forty_wrong_ones_at_once_at_two_replicas_five_reach_apple(mine: Databases, key_file: Path) -> None:
    counting, apple = await real(mine, key_file), FakeApple()
    replicas = [Prove(apple, one, DEFAULT_LIMITS, lambda: None) for one in (counting.one, counting.other)]
    askers = [Asker(Owner(f"acc-{number}", "usr-1")) for number in range(20)]

    tasks = [replica(asker, CREDENTIAL, "c-1") for asker in askers for replica in replicas]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    kinds = Counter(type(outcome) for outcome in outcomes)
    assert (kinds, apple.asked) == ({CredentialsRejected: 5, TooManyAttempts: 35}, 5)


async def test_without_mongodb_nothing_begins_and_what_began_cannot_fail_by_its_end(key_file: Path) -> None:
    nowhere = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
    client = mongo.connect(MongoSettings(url=SecretStr(nowhere), timeout=timedelta(seconds=0.2)), "connector-tests")
    attempts = MongoAttempts(client, Pseudonyms(key_file))
    attempt = of(APPLE)

    with pytest.raises(PyMongoError) as away:
        await attempts.begin(attempt, LIMIT)
    await attempts.end(attempt, counts=False)

    assert mongo.is_infrastructure(away.value)
    client.close()


@pytest.mark.servers
async def test_nothing_is_kept_in_clear_and_nothing_for_ever(mine: Databases, key_file: Path) -> None:
    counting = await real(mine, key_file)
    subjects = [APPLE, USER, Subject(Scope.NETWORK, ("198.51.100.0/24",)), Subject(Scope.EVERYONE)]
    for subject in subjects:
        await counting.one.begin(of(subject), LIMIT)

    kept = (await mine.everything())["attempts"]
    indexes = await mine.client[mine.connector]["attempts"].index_information()

    written = b"".join(BSON.encode(one) for one in kept)
    told = {APPLE_ID, MARIE.account_id, MARIE.user_id, "198.51.100"}
    assert len(kept) == len(subjects)
    assert [one for secret in told for one in shapes(secret).values() if one in written] == []
    assert indexes["expired"]["expireAfterSeconds"] == 0
    assert all(timedelta(0) < one["expires_at"] - one["changed_at"] <= timedelta(minutes=16) for one in kept)


def test_a_pseudonym_is_one_subjects_under_one_key(key_file: Path, tmp_path: Path) -> None:
    other_key = tmp_path / "other.key"
    other_key.write_bytes(bytes(32))
    subjects = [APPLE, USER, Subject(Scope.USER, (APPLE_ID,)), Subject(Scope.APPLE_ID, (APPLE_ID, "c-1"))]

    under = [[Pseudonyms(key)(one) for one in subjects] for key in (key_file, key_file, other_key, None)]

    assert under[0] == under[1]
    assert len({name for names in under for name in names}) == 12
    assert Pseudonyms(None)(Subject(Scope.USER, ("ab", "c"))) != Pseudonyms(None)(Subject(Scope.USER, ("a", "bc")))
