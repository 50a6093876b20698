import json
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE

import jwt
import pytest

from local_stack.errors import CannotGoOn
from local_stack.stack import LocalStack
from local_stack.tokens import AUDIENCE, EVERY_SCOPE, ISSUER, TokenKeys, duration
from runtime.auth import TokenChecker, Unauthenticated
from runtime.settings import AuthSettings

_HOUR = timedelta(hours=1)
_CLAIMS = {"sub": "user", "account_id": "account", "scope": EVERY_SCOPE}


def _checker(keys: TokenKeys) -> TokenChecker:
    environ = {"CALSYNC_AUTH_ISSUER": ISSUER, "CALSYNC_AUTH_AUDIENCE": AUDIENCE, "CALSYNC_AUTH_JWKS": keys.jwks_file}
    return TokenChecker(AuthSettings.model_validate({name: str(value) for name, value in environ.items()}))


async def test_the_services_believe_a_token(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    keys.make()

    caller = await _checker(keys).check(f"Bearer {keys.token(_CLAIMS, _HOUR)}")

    assert (caller.account_id, caller.user_id, caller.scopes) == ("account", "user", frozenset(EVERY_SCOPE.split()))


async def test_the_services_do_not_believe_a_token_that_is_over(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    keys.make()

    with pytest.raises(Unauthenticated):
        await _checker(keys).check(f"Bearer {keys.token(_CLAIMS, -_HOUR)}")


async def test_tokens_of_an_earlier_start_hold(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    keys.make()
    token = keys.token(_CLAIMS, _HOUR)

    keys.make()

    assert (await _checker(keys).check(f"Bearer {token}")).user_id == "user"


def test_the_key_set_verifies_tokens_and_holds_nothing_private(tmp_path: Path) -> None:
    keys = TokenKeys(tmp_path)
    keys.make()

    published = json.loads(keys.jwks_file.read_text())

    verifier = jwt.PyJWKSet.from_dict(published)["local"]
    decoded = jwt.decode(keys.token(_CLAIMS, _HOUR), verifier, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE)
    assert decoded["account_id"] == "account"
    assert "d" not in published["keys"][0]


def test_only_their_owner_reads_the_private_key(tmp_path: Path) -> None:
    TokenKeys(tmp_path).make()

    assert S_IMODE((tmp_path / "jwt.pem").stat().st_mode) == 0o600


def test_without_a_stack_there_is_no_token_but_advice(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match=r"Start one: .venv/bin/python -m local_stack up"):
        LocalStack(tmp_path).token("account", "user")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text: str, meant: timedelta) -> None:
    assert duration(text) == meant


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "-1h", "PT1H"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        duration(text)
