import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from local_stack.ports import free_ports
from local_stack.sign_in import SignIn, server
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The page of a stack whose connector is at 127.0.0.1:1."""
    keys = TokenKeys(tmp_path)
    keys.make()
    [port] = free_ports(1)
    serving = server(SignIn(keys, "http://127.0.0.1:1", port), port)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{port}"
    serving.shutdown()
    serving.server_close()
    thread.join()


def _claims(page: str) -> dict[str, object]:
    token = page.partition('name="token" value="')[2].partition('"')[0]
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False}, audience=AUDIENCE, issuer=ISSUER)
    return claims


@pytest.mark.parametrize(
    ("query", "account", "user"),
    [("", "acc-demo", "usr-marie"), ("?account=acc-2&user=usr-2", "acc-2", "usr-2")],
)
def test_the_page_signs_in_whoever_is_named(url: str, query: str, account: str, user: str) -> None:
    page = httpx.get(f"{url}/{query}", trust_env=False)

    claims = _claims(page.text)
    assert 'action="http://127.0.0.1:1/calendars/settings/session"' in page.text
    assert (claims["account_id"], claims["sub"]) == (account, user)
    assert claims["scope"] == "calendar:manage availability:read"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "evil.test", 403),
        ("/other", None, 404),
        ("/?user=%3Cscript%3E", None, 400),
        ("/?user=service:booking", None, 400),
    ],
)
def test_the_page_is_for_people_of_this_machine_alone(url: str, path: str, host: str | None, status: int) -> None:
    answer = httpx.get(f"{url}{path}", headers={"Host": host} if host else {}, trust_env=False)

    assert answer.status_code == status
    assert "token" not in answer.text
