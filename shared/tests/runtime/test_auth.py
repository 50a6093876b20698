import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from runtime.auth import Caller, Forbidden, KeysUnavailable, TokenChecker, Unauthenticated
from runtime.settings import AuthSettings

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ISSUER, AUDIENCE = "https://id.example", "calendar"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ATTACKER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point


def jwk(key: Key, kid: str, **more: str) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())
    else:
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())
    return {**json.loads(public), "kid": kid, **more}


KEYS = {
    "keys": [
        jwk(RSA_KEY, "rsa", use="sig", alg="RS256"),
        jwk(EC_KEY, "ec"),
        jwk(WEAK, "weak"),
        jwk(RSA_KEY, "for-encryption", use="enc"),
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode(), "kid": "symmetric"},
        {"kty": "RSA", "kid": "broken", "n": "?", "e": "AQAB"},
    ]
}


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": now + 600,
        "iat": now,
        "sub": "user-1",
        "account_id": "account-1",
        "scope": "calendar:manage availability:read",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def token(
    key: Key | str = RSA_KEY, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: object
) -> str:
    with_kid = {"kid": "rsa"} | (headers or {})
    return jwt.encode(claims(**changes), key, algorithm, headers={k: v for k, v in with_kid.items() if v is not None})


def unsigned(**header: str) -> str:
    parts = [json.dumps({"typ": "JWT", "kid": "rsa"} | header), json.dumps(claims())]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def signed_with_the_public_key() -> str:
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims())
    )
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = algorithm.sign(f"{head}.{body}".encode(), public)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered() -> str:
    head, _, signature = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(account_id="account-2")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.fixture
def checker(tmp_path: Path) -> TokenChecker:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(KEYS))
    return TokenChecker(AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks=str(file)))


async def test_a_persons_token_tells_account_user_and_scopes(checker: TokenChecker) -> None:
    caller = await checker.check(f"Bearer {token()}")

    assert caller == Caller("account-1", "user-1", frozenset({"calendar:manage", "availability:read"}), service=False)
    assert caller.may_act_for("user-1")
    assert not caller.may_act_for("user-2")


async def test_an_elliptic_key_signs_as_well(checker: TokenChecker) -> None:
    caller = await checker.check(f"bearer {token(EC_KEY, 'ES256', {'kid': 'ec'})}")

    assert caller.user_id == "user-1"


async def test_a_service_may_name_any_user_of_its_account(checker: TokenChecker) -> None:
    caller = await checker.check(f"Bearer {token(sub='service:crm')}")

    assert caller.service
    assert caller.may_act_for("user-2")


async def test_a_scope_that_the_token_lacks_is_forbidden(checker: TokenChecker) -> None:
    caller = await checker.check(f"Bearer {token()}")

    caller.require("calendar:manage")
    with pytest.raises(Forbidden):
        caller.require("appointments:write")


async def test_clocks_may_differ_by_less_than_a_minute(checker: TokenChecker) -> None:
    now = int(time.time())

    await checker.check(f"Bearer {token(exp=now - 20, iat=now + 20, nbf=now + 20)}")


NOW = int(time.time())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: None, id="no header"),
        pytest.param(lambda: "Bearer", id="no token"),
        pytest.param(lambda: "Basic dXNlcjpwYXNz", id="another scheme"),
        pytest.param(lambda: "Bearer x.y.z", id="not a token"),
        pytest.param(lambda: f"Bearer {'x' * 10_000}", id="huge"),
        pytest.param(lambda: "Bearer eyJ.\ud800.x", id="half a character"),
        pytest.param(lambda: f"Bearer {unsigned(alg='none')}", id="alg none"),
        pytest.param(lambda: f"Bearer {unsigned(alg='NoNe')}", id="alg NoNe"),
        pytest.param(lambda: f"Bearer {signed_with_the_public_key()}", id="HMAC with the public key"),
        pytest.param(lambda: f"Bearer {token('x' * 32, 'HS256', {'kid': 'symmetric'})}", id="symmetric key listed"),
        pytest.param(lambda: f"Bearer {token(RSA_KEY, 'RS512')}", id="RS512"),
        pytest.param(lambda: f"Bearer {token(RSA_KEY, 'PS256')}", id="PS256"),
        pytest.param(lambda: f"Bearer {token(EC_KEY, 'ES256')}", id="key of another kind"),
        pytest.param(lambda: f"Bearer {token(ATTACKER)}", id="foreign key under our kid"),
        pytest.param(
            lambda: f"Bearer {token(WEAK, headers={'kid': 'weak'})}",
            id="weak key",
            marks=pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),  # on our signing side
        ),
        pytest.param(lambda: f"Bearer {token(headers={'kid': 'for-encryption'})}", id="encryption key"),
        pytest.param(lambda: f"Bearer {token(headers={'kid': 'broken'})}", id="broken key"),
        pytest.param(lambda: f"Bearer {token(headers={'kid': None})}", id="no kid"),
        pytest.param(lambda: f"Bearer {token(headers={'kid': '../../etc/passwd'})}", id="kid as a path"),
        pytest.param(lambda: f"Bearer {token(ATTACKER, headers={'jwk': jwk(ATTACKER, 'rsa')})}", id="own key embedded"),
        pytest.param(
            lambda: f"Bearer {token(ATTACKER, headers={'kid': 'x', 'jku': 'http://127.0.0.1:1/'})}", id="own key set"
        ),
        pytest.param(
            lambda: f"Bearer {token(ATTACKER, headers={'kid': 'x', 'x5u': 'http://127.0.0.1:1/'})}",
            id="own certificate",
        ),
        pytest.param(lambda: f"Bearer {token(headers={'crit': ['exp']})}", id="critical extension"),
        pytest.param(lambda: f"Bearer {tampered()}", id="changed claims"),
        pytest.param(lambda: f"Bearer {token(exp=NOW - 61)}", id="expired"),
        pytest.param(lambda: f"Bearer {token(exp=None)}", id="without end"),
        pytest.param(lambda: f"Bearer {token(exp='soon')}", id="end of another shape"),
        pytest.param(lambda: f"Bearer {token(nbf=NOW + 300)}", id="not yet valid"),
        pytest.param(lambda: f"Bearer {token(iat=NOW + 300)}", id="issued in the future"),
        pytest.param(lambda: f"Bearer {token(iss='https://evil.example')}", id="other issuer"),
        pytest.param(lambda: f"Bearer {token(iss=None)}", id="no issuer"),
        pytest.param(lambda: f"Bearer {token(aud='billing')}", id="other audience"),
        pytest.param(lambda: f"Bearer {token(aud=None)}", id="no audience"),
        pytest.param(lambda: f"Bearer {token(sub=None)}", id="no user"),
        pytest.param(lambda: f"Bearer {token(sub='')}", id="empty user"),
        pytest.param(lambda: f"Bearer {token(account_id=None)}", id="no account"),
        pytest.param(lambda: f"Bearer {token(account_id={'$ne': ''})}", id="account as a query"),
        pytest.param(lambda: f"Bearer {token(account_id='a' * 200)}", id="account without end"),
        pytest.param(lambda: f"Bearer {token(scope=['calendar:manage'])}", id="scope of another shape"),
    ],
)
async def test_whoever_cannot_prove_it_is_refused(checker: TokenChecker, make: Callable[[], str | None]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await checker.check(make())

    assert "eyJ" not in str(refused.value)


@dataclass
class Platform:
    """The platform's key set over HTTP."""

    keys: Any = field(default_factory=lambda: KEYS)
    status: int = 200
    asked: int = 0
    url: str = ""
    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    """While this is not set it takes requests and says nothing."""

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        await self.speaks.wait()
        return web.json_response(self.keys, status=self.status)


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    platform.speaks.set()
    app = web.Application()
    app.router.add_get("/keys", platform.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    platform.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield platform
    platform.speaks.set()
    await runner.cleanup()


def remote(platform: Platform) -> TokenChecker:
    return TokenChecker(AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks=platform.url))


async def test_keys_are_fetched_once_for_many_tokens(platform: Platform) -> None:
    checker = remote(platform)

    for _ in range(5):
        await checker.check(f"Bearer {token()}")

    assert platform.asked == 1


async def test_made_up_key_ids_do_not_drive_us_against_the_platform(platform: Platform) -> None:
    checker = remote(platform)

    for number in range(20):
        with pytest.raises(Unauthenticated):
            await checker.check(f"Bearer {token(headers={'kid': f'made-up-{number}'})}")

    assert platform.asked == 1


async def test_a_key_that_is_new_is_fetched_when_it_is_first_used(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.auth._PAUSE_SECONDS", 0.0)
    platform.keys = {"keys": []}
    checker = remote(platform)
    with pytest.raises(Unauthenticated):
        await checker.check(f"Bearer {token()}")
    platform.keys = KEYS

    caller = await checker.check(f"Bearer {token()}")

    assert caller.account_id == "account-1"


@pytest.mark.parametrize("keys", [{"keys": "none"}, [], "text", {"keys": [None, 5, {}]}])
async def test_a_strange_key_set_makes_nobody_known(platform: Platform, keys: object) -> None:
    platform.keys = keys

    with pytest.raises((Unauthenticated, KeysUnavailable)):
        await remote(platform).check(f"Bearer {token()}")


async def test_a_key_set_without_end_is_none(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("[" * 200_000)
    checker = TokenChecker(AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks=str(tmp_path / "keys.json")))

    with pytest.raises(KeysUnavailable):
        await checker.check(f"Bearer {token()}")


async def test_a_platform_that_cannot_be_asked_is_not_the_callers_fault(platform: Platform) -> None:
    platform.status = 500

    with pytest.raises(KeysUnavailable):
        await remote(platform).check(f"Bearer {token()}")


async def test_known_keys_stay_when_the_platform_goes_away(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = remote(platform)
    await checker.check(f"Bearer {token()}")
    platform.status = 500
    monkeypatch.setattr("runtime.auth._REFRESH_SECONDS", 0.0)
    monkeypatch.setattr("runtime.auth._PAUSE_SECONDS", 0.0)

    caller = await checker.check(f"Bearer {token()}")

    assert caller.user_id == "user-1"
    assert platform.asked == 2


async def fetched(checker: TokenChecker) -> None:
    """Return once no keys are being fetched."""
    if checker._fetching:
        await checker._fetching


async def test_whose_key_is_known_does_not_wait_for_a_platform_that_says_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = asyncio.get_running_loop().time()
    checker = remote(platform)
    await checker.check(f"Bearer {token()}")
    platform.speaks.clear()
    monkeypatch.setattr("runtime.jwks._FETCH_SECONDS", 0.05)

    async with asyncio.timeout(30):
        for seconds in range(301, 900, 30):
            monkeypatch.setattr("runtime.auth._now", lambda passed=seconds: now + passed)
            await checker.check(f"Bearer {token(sub=f'user-{seconds}')}")
            assert not checker._fetching.done()  # type: ignore[union-attr]  # there is one: it was asked, and not waited for
            await fetched(checker)

    assert platform.asked == 21


async def test_after_an_idle_hour_whose_key_is_known_waits_a_moment_for_a_platform_that_says_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = asyncio.get_running_loop().time()
    checker = remote(platform)
    await checker.check(f"Bearer {token()}")
    platform.speaks.clear()
    monkeypatch.setattr("runtime.jwks._FETCH_SECONDS", 600)
    monkeypatch.setattr("runtime.auth._PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("runtime.auth._now", lambda: now + 3_600)

    async with asyncio.timeout(10):
        caller = await checker.check(f"Bearer {token()}")

    assert (caller.user_id, platform.asked) == ("user-1", 2)
    platform.speaks.set()
    await fetched(checker)


async def test_whose_key_is_unknown_waits_for_the_fetch_that_is_under_way(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = asyncio.get_running_loop().time()
    checker, platform.keys = remote(platform), {"keys": [jwk(RSA_KEY, "rsa")]}
    await checker.check(f"Bearer {token()}")
    platform.speaks.clear()
    monkeypatch.setattr("runtime.auth._now", lambda: now + 301)

    known = await checker.check(f"Bearer {token(sub='user-2')}")
    unknown = asyncio.create_task(checker.check(f"Bearer {token(EC_KEY, 'ES256', {'kid': 'ec'}, sub='user-3')}"))
    platform.keys = KEYS
    platform.speaks.set()

    assert (known.user_id, (await unknown).user_id, platform.asked) == ("user-2", "user-3", 2)


async def test_a_token_that_holds_is_checked_once_and_an_equal_one_is_not_another(
    checker: TokenChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, other = token(), token(sub="user-2")
    first, second = await checker.check(f"Bearer {good}"), await checker.check(f"Bearer {other}")
    monkeypatch.setattr("runtime.auth.jwt.decode", None)

    again = await checker.check(f"Bearer {good}"), await checker.check(f"bearer {other}")

    assert again == (first, second)
    assert (first.user_id, second.user_id) == ("user-1", "user-2")


async def test_no_token_is_remembered_past_its_end(checker: TokenChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    now = asyncio.get_running_loop().time()
    short, long = token(exp=int(time.time()) + 20), token()
    for one in (short, long):
        await checker.check(f"Bearer {one}")
    monkeypatch.setattr("runtime.auth.jwt.decode", refuse_to_look)

    monkeypatch.setattr("runtime.auth._now", lambda: now + 21)
    with pytest.raises(LookedAgainError):
        await checker.check(f"Bearer {short}")
    await checker.check(f"Bearer {long}")
    monkeypatch.setattr("runtime.auth._now", lambda: now + 61)
    with pytest.raises(LookedAgainError):
        await checker.check(f"Bearer {long}")


async def test_what_a_withdrawn_key_signed_is_believed_no_longer_than_the_key(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = asyncio.get_running_loop().time()
    checker = remote(platform)
    good = token()
    await checker.check(f"Bearer {good}")
    platform.keys = {"keys": [jwk(EC_KEY, "ec")]}
    monkeypatch.setattr("runtime.auth._now", lambda: now + 601)

    with pytest.raises(Unauthenticated):
        await checker.check(f"Bearer {good}")


async def test_a_refused_token_is_refused_again(checker: TokenChecker) -> None:
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await checker.check(f"Bearer {tampered()}")


async def test_only_so_many_tokens_are_remembered(checker: TokenChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.auth._REMEMBERED_TOKENS", 2)
    one, two, three = (token(sub=f"user-{number}") for number in range(3))
    for each in (one, two, one, three):
        await checker.check(f"Bearer {each}")
    monkeypatch.setattr("runtime.auth.jwt.decode", refuse_to_look)

    await checker.check(f"Bearer {one}")
    await checker.check(f"Bearer {three}")
    with pytest.raises(LookedAgainError):
        await checker.check(f"Bearer {two}")


class LookedAgainError(Exception):
    """The signature was to be checked."""


def refuse_to_look(*_: object, **__: object) -> None:
    raise LookedAgainError
