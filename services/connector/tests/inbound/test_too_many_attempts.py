from collections.abc import Mapping

import httpx
import pytest
from pymongo.errors import AutoReconnect

from connector.domain.attempts import Scope
from connector_examples import MARIE, STRANGER
from connector_fakes import FakeApple, FakeAttempts, FakeConnections
from connector_http import WISH, Interface, as_, client_of, interface

WRONG = {"app_password": "wron-gwro-ngwr-ongw"}


async def connect(there: Interface, wish: Mapping[str, str], language: str = "en") -> httpx.Response:
    headers = as_(MARIE) | {"Accept-Language": language}
    return await there.http.post("/v1/connections", json={**WISH, **wish}, headers=headers)


async def test_after_five_wrong_passwords_there_is_a_wait_told_in_words_and_numbers(there: Interface) -> None:
    refused = [await connect(there, WRONG) for _ in range(5)]

    answers = [await connect(there, WISH, language) for language in ("en", "fr")]

    assert {answer.json()["code"] for answer in refused} == {"credentials_rejected"}
    assert [answer.status_code for answer in answers] == [429, 429]
    assert {answer.headers["retry-after"] for answer in answers} == {"915"}
    assert answers[0].json() == {
        "type": "about:blank",
        "title": "There were too many attempts. Nothing was sent to Apple. Try again later.",
        "status": 429,
        "code": "too_many_attempts",
        "until": "2026-11-23T08:45:15Z",
    }
    assert answers[1].json()["title"].startswith("Il y a eu trop d'essais.")
    assert there.apple.asked == 5


async def test_a_reconnect_has_the_same_limit(there: Interface) -> None:
    made = (await connect(there, {})).json()["id"]
    path = f"/v1/connections/{made}/credentials"
    for _ in range(5):
        await there.http.put(path, json=WRONG, headers=as_(MARIE))

    answer = await there.http.put(path, json=WRONG, headers=as_(MARIE))
    healthy = (await there.http.get(f"/v1/connections/{made}", headers=as_(MARIE))).json()["state"]

    assert (answer.status_code, answer.json()["code"], healthy) == (429, "too_many_attempts", "connected")


async def test_an_unknown_apple_id_is_answered_and_counted_like_a_wrong_password(there: Interface) -> None:
    unknown = {"apple_id": "nobody.at.all@icloud.com"}

    wrong = [await connect(there, WRONG) for _ in range(6)]
    not_known = [await connect(there, unknown) for _ in range(6)]

    def said(answer: httpx.Response) -> tuple[object, ...]:
        return answer.status_code, answer.content, sorted(answer.headers.items())

    # Then it is both this Apple ID and this user who have to wait.
    assert [said(one) for one in wrong[:5]] == [said(one) for one in not_known[:5]]
    assert [one.status_code for one in (*wrong, *not_known)] == [*[422] * 5, 429] * 2


async def test_what_is_no_app_specific_password_is_not_an_attempt(there: Interface) -> None:
    answers = [await connect(there, {"app_password": "MyApplePassw0rd!"}) for _ in range(20)]

    assert {answer.json()["code"] for answer in answers} == {"credentials_malformed"}
    assert there.attempts.counted == {}


async def test_who_is_connected_already_makes_no_attempt(there: Interface) -> None:
    await connect(there, {})

    answers = [await connect(there, WRONG) for _ in range(20)]

    assert {answer.json()["code"] for answer in answers} == {"already_connected"}
    assert there.apple.asked == 1


async def test_where_attempts_cannot_be_counted_apple_is_not_asked(there: Interface) -> None:
    there.attempts.fails_with = AutoReconnect("MongoDB is away")

    answer = await connect(there, {})

    assert (answer.status_code, answer.json()["code"], there.apple.asked) == (503, "temporarily_unavailable", 0)


@pytest.mark.parametrize(("address", "counted"), [("198.51.100.7", 1), ("127.0.0.1", 0)])
async def test_a_request_counts_for_its_network_unless_that_is_our_own(address: str, counted: int) -> None:
    attempts = FakeAttempts()
    app = interface(FakeConnections(), FakeApple(), attempts=attempts)

    async with client_of(app, address) as http:
        await http.post("/v1/connections", json={**WISH, **WRONG}, headers=as_(STRANGER))

    assert (attempts.total(Scope.NETWORK), attempts.total(Scope.USER)) == (counted, 1)
