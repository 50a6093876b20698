import ast
import inspect
import socket
from pathlib import Path

import httpx
import pytest

import connector
from connector.app import main, put_together
from connector.settings import AvailabilitySettings, Settings
from connector_examples import MARIE
from icloud.credentials import KeyPair
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys, duration
from runtime.settings import load


@pytest.fixture
def platform(tmp_path: Path) -> TokenKeys:
    keys = TokenKeys(tmp_path)
    keys.make()
    return keys


def settings_of(keys: KeyPair, platform: TokenKeys) -> Settings:
    return load(
        Settings,
        {
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "CALSYNC_MONGODB_URL": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100",
            "CALSYNC_MONGODB_TIMEOUT": "PT0.2S",
            "CALSYNC_AUTH_ISSUER": ISSUER,
            "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
            "CALSYNC_AUTH_JWKS": str(platform.jwks_file),
            "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(keys.public_key_file),
        },
    )


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("url", [None, "http://availability:8080"])
async def test_the_service_is_put_together_without_touching_the_network(
    keys: KeyPair, platform: TokenKeys, url: str | None
) -> None:
    settings = settings_of(keys, platform)
    parts = put_together(settings.model_copy(update={"availability": AvailabilitySettings.model_construct(url=url)}))

    transport = httpx.ASGITransport(parts.http)
    async with httpx.AsyncClient(transport=transport, base_url="http://connector") as http:
        document = await http.get("/openapi.json")
        unknown = await http.get("/v1/connections", headers={"Authorization": "Bearer x.y.z"})

    assert document.json()["info"]["title"] == "CrocoClick iCloud connector"
    assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthenticated")
    assert (parts.availability is None) == (url is None)
    if parts.availability is not None:
        await parts.availability.close()
    parts.client.close()
    await parts.icloud.close()


async def test_a_token_of_the_platform_is_believed_and_needs_the_scope(keys: KeyPair, platform: TokenKeys) -> None:
    parts = put_together(settings_of(keys, platform))
    claims = {"sub": MARIE.user_id, "account_id": MARIE.account_id}
    other = platform.token(claims | {"scope": "availability:read"}, duration("1h"))
    right = platform.token(claims | {"scope": "calendar:manage"}, duration("1h"))

    transport = httpx.ASGITransport(parts.http)
    async with httpx.AsyncClient(transport=transport, base_url="http://connector") as http:
        answers = [
            await http.get("/v1/connections", headers={"Authorization": f"Bearer {token}"}) for token in (other, right)
        ]

    # With the right scope the request reaches the database, which is away.
    assert [(a.status_code, a.json()["code"]) for a in answers] == [
        (403, "forbidden"),
        (503, "temporarily_unavailable"),
    ]
    parts.client.close()
    await parts.icloud.close()


def test_wrong_settings_end_the_start_with_everything_that_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"CALSYNC_MONGODB_URL": "mongodb://u:s3cret@mongo/"}) == 2

    told = capsys.readouterr().err
    assert "CALSYNC_KAFKA_BOOTSTRAP_SERVERS" in told
    assert "CALSYNC_VAULT_PUBLIC_KEY_FILE" in told
    assert "s3cret" not in told


def test_nothing_of_the_service_can_open_an_envelope() -> None:
    package = Path(inspect.getfile(connector)).parent
    names = {
        alias.name
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }

    assert "Sealer" in names
    assert not names & {"Opener", "private_keys", "new_key_pair", "KeyPair", "X25519PrivateKey", "calsync_keys"}
