import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from icloud import AppleCredential
from icloud.credentials import Binding, Opener, SealedCredential, Sealer, Signer, Signers
from local_stack import containers_loopback
from local_stack.containers_metadata import tell
from local_stack.containers_mongodb import roles_from
from local_stack.containers_secrets import KEY_ID, TOOLS_ID, make_keyfile, make_keys, make_passwords, passwords_in
from local_stack.ports import HOST, free_ports

ROOT = Path(__file__).parents[3]
ROLES = roles_from(ROOT / "deploy/mongodb/roles.json")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _make_all(folder: Path) -> None:
    make_keys(folder)
    make_passwords(folder / "mongodb", ROLES, host="mongodb", replica_set="rs0")
    make_keyfile(folder / "keyfile")


def test_secrets_are_made_once(tmp_path: Path) -> None:
    _make_all(tmp_path)
    made = _files(tmp_path)

    _make_all(tmp_path)

    assert _files(tmp_path) == made


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    _make_all(tmp_path)

    public = ("jwks", "public", "signers")
    seen = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file() and file.parent.name not in public and file.name != "jwks.json"
        if stat.S_IMODE(file.stat().st_mode) & 0o077
    ]

    assert seen == []


def test_each_user_signs_in_with_a_password_of_its_own(tmp_path: Path) -> None:
    make_passwords(tmp_path, ROLES, host="mongodb:27017", replica_set="rs0")

    passwords = passwords_in(tmp_path, ROLES)

    assert len(set(passwords.values())) == len(ROLES)
    for user, password in passwords.items():
        url = (tmp_path / user / "url").read_text()
        assert url == f"mongodb://{user}:{password}@mongodb:27017/?replicaSet=rs0&authSource=admin"


@pytest.mark.parametrize("signer", [f"signing/{KEY_ID}", f"tool/{TOOLS_ID}"])
def test_what_is_sealed_and_signed_with_the_made_keys_is_opened_with_them(tmp_path: Path, signer: str) -> None:
    make_keys(tmp_path)
    vault = tmp_path / "vault"
    binding = Binding("acc", "connection")
    secret = SealedCredential(AppleCredential.typed("m@icloud.com", "abcd-efgh-ijkl-mnop"), "/1/principal/")

    envelope = Sealer(vault / "public" / f"{KEY_ID}.pem").seal(secret, binding)
    signature = Signer(vault / f"{signer}.pem").sign(envelope, binding, 1)

    Signers(vault / "signers").check(envelope, binding, 1, signature)
    assert Opener(vault / "private").open(envelope, binding) == secret


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says again what one caller says."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(65_536))

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(30)


def test_a_program_finds_the_simulator_on_its_own_loopback(echo: int) -> None:
    (port,) = free_ports(1)
    program = f"import socket; c = socket.create_connection(('{HOST}', {port})); c.sendall(b'hello'); print(c.recv(9))"
    carrier = [sys.executable, containers_loopback.__file__, str(port), f"{HOST}:{echo}"]

    # A container ends with its program; here the carrier has to be ended, too.
    with subprocess.Popen(
        [*carrier, sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)

    assert said == "b'hello'\n"


@pytest.mark.parametrize(
    "distribution", ["shared", "services/connector", "services/sync-worker", "services/availability"]
)
def test_a_distribution_that_is_copied_knows_its_version(tmp_path: Path, distribution: str) -> None:
    project = tomllib.loads((ROOT / distribution / "pyproject.toml").read_text())["project"]

    tell(tmp_path, ROOT / distribution / "pyproject.toml")

    (folder,) = tmp_path.iterdir()
    known = PathDistribution(folder)
    assert (known.metadata["Name"], known.version) == (project["name"], project["version"])
