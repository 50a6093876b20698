import httpx
import pytest
from pymongo import MongoClient

from apple_users import WRONG_PASSWORD, AppleUsers, Person
from icloud_simulator.client import SimulatorAdmin
from local_stack.stack import LocalStack

pytestmark = [pytest.mark.servers, pytest.mark.story]


@pytest.fixture
def person(users: AppleUsers) -> Person:
    return users.person()


def _stored(stack: LocalStack) -> dict[str, int]:
    """How many documents each collection of the connecting side holds; that there was an attempt is all that stays."""
    with MongoClient[dict[str, object]](stack.env["CALSYNC_MONGODB_URL"]) as client:
        return {
            f"{database}.{collection}": client[database][collection].count_documents({})
            for database in ("connector", "vault")
            for collection in client[database].list_collection_names()
            if collection != "attempts"
        }


def _demand_refusal(stack: LocalStack, before: dict[str, int], answer: httpx.Response, code: str) -> None:
    assert answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/problem+json"
    assert _stored(stack) == before


def test_a_wrong_password_is_refused_and_leaves_nothing(stack: LocalStack, person: Person) -> None:
    before = _stored(stack)

    answer = person.crococlick.connect(person.apple.apple_id, WRONG_PASSWORD)

    assert answer.status_code == 422
    _demand_refusal(stack, before, answer, "credentials_rejected")


def test_an_unknown_user_is_refused_like_a_wrong_password(stack: LocalStack, person: Person) -> None:
    before = _stored(stack)

    answer = person.crococlick.connect("nobody.at.all@icloud.com", person.apple.app_password)

    assert answer.status_code == 422
    _demand_refusal(stack, before, answer, "credentials_rejected")


def test_the_main_apple_password_never_reaches_apple(stack: LocalStack, apple: SimulatorAdmin, person: Person) -> None:
    before, seen = _stored(stack), len(apple.requests(person.apple.apple_id))

    answer = person.crococlick.connect(person.apple.apple_id, person.apple.main_password)

    assert answer.status_code == 422
    assert len(apple.requests(person.apple.apple_id)) == seen
    _demand_refusal(stack, before, answer, "credentials_malformed")


@pytest.mark.parametrize(
    ("faults", "status", "code"),
    [
        ({"errors": {"503": 1}, "retry_after": "120"}, 503, "icloud_unavailable"),
        ({"errors": {"429": 1}}, 503, "icloud_unavailable"),
        ({"errors": {"500": 1}}, 503, "icloud_unavailable"),
        ({"reset": 1}, 503, "icloud_unavailable"),
        ({"html": 1}, 502, "icloud_not_understood"),
        ({"truncated": 1}, 503, "icloud_unavailable"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_apple_gets_wrong_is_told_apart_from_what_the_user_got_wrong(
    stack: LocalStack, apple: SimulatorAdmin, person: Person, faults: dict[str, object], status: int, code: str
) -> None:
    before = _stored(stack)
    apple.set_faults(person.apple.apple_id, **faults)

    answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)

    assert answer.status_code == status
    _demand_refusal(stack, before, answer, code)


def test_an_icloud_that_is_down_is_told_as_such(stack: LocalStack, person: Person) -> None:
    before = _stored(stack)
    stack.kill("simulator")
    try:
        answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)
    finally:
        stack.restart("simulator")

    assert answer.status_code == 503
    _demand_refusal(stack, before, answer, "icloud_unavailable")


def test_an_apple_id_without_icloud_calendar_is_told_as_such(
    stack: LocalStack, apple: SimulatorAdmin, person: Person
) -> None:
    before = _stored(stack)
    apple.set_faults(person.apple.apple_id, home_missing=1)

    answer = person.crococlick.connect(person.apple.apple_id, person.apple.app_password)

    assert answer.status_code == 422
    _demand_refusal(stack, before, answer, "icloud_calendar_not_enabled")


def test_a_second_connection_of_one_user_is_refused(stack: LocalStack, users: AppleUsers, person: Person) -> None:
    other = users.person()
    assert person.crococlick.connect(person.apple.apple_id, person.apple.app_password).status_code == 201
    before = _stored(stack)

    answer = person.crococlick.connect(other.apple.apple_id, other.apple.app_password)

    assert answer.status_code == 409
    _demand_refusal(stack, before, answer, "already_connected")


def test_one_apple_account_serves_one_crococlick_account_alone(
    stack: LocalStack, users: AppleUsers, person: Person
) -> None:
    stranger = users.person()
    assert person.crococlick.connect(person.apple.apple_id, person.apple.app_password).status_code == 201
    before = _stored(stack)

    answer = stranger.crococlick.connect(person.apple.apple_id, person.apple.app_password)

    assert answer.status_code == 409
    _demand_refusal(stack, before, answer, "apple_account_in_use")
    assert person.crococlick.account not in answer.text
