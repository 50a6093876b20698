"""What nobody outside the containers has to know: keys and passwords, made at the first start and kept in volumes.

Each lies in a folder of its own, so that a service is given those that it needs and no other.
"""

import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from icloud.credentials import new_key_pair, new_signing_pair
from local_stack.connector_key import make_connector_key
from local_stack.containers_mongodb import ADMIN, Role
from local_stack.tokens import TokenKeys

KEY_ID: Final = "compose"
"""A key's file is named by the key's id, and the compose file has to know it."""
TOOLS_ID: Final = "tool"
"""The signer's id of the key tool."""
_PASSWORD_BYTES: Final = 24
_KEYFILE_BYTES: Final = 512


def make_keys(folder: Path) -> None:
    """Make the platform's, the vault's and the connector's keys; leave those that are there as they are."""
    platform = TokenKeys(folder / "platform")
    platform.make()
    (folder / "jwks").mkdir(exist_ok=True)
    shutil.copyfile(platform.jwks_file, folder / "jwks" / "jwks.json")
    vault = folder / "vault"
    public = vault / "public" / f"{KEY_ID}.pem"
    if not public.exists():
        pair = new_key_pair(vault)
        # The private key first: with a public key alone everything that is sealed would be lost.
        (pair.private_keys_dir / f"{pair.key_id}.pem").rename(pair.private_keys_dir / f"{KEY_ID}.pem")
        pair.public_key_file.rename(public)
    _make_signer(vault, vault / "signing" / f"{KEY_ID}.pem")
    _make_signer(vault, vault / "tool" / f"{TOOLS_ID}.pem")
    make_connector_key(folder / "connector" / "connector.key")


def make_passwords(folder: Path, roles: Sequence[Role], *, host: str, replica_set: str) -> None:
    """Make `admin/password` and for each user `USER/url`, with which a service signs in; keep those that are there."""
    _write_new(folder / ADMIN / "password", secrets.token_urlsafe(_PASSWORD_BYTES))
    for role in roles:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        url = f"mongodb://{quote(role.user)}:{password}@{host}/?replicaSet={replica_set}&authSource={ADMIN}"
        _write_new(folder / role.user / "password", password)
        _write_new(folder / role.user / "url", url.replace(password, (folder / role.user / "password").read_text()))


def passwords_in(folder: Path, roles: Sequence[Role]) -> Mapping[str, str]:
    """Read the users' passwords."""
    return {role.user: (folder / role.user / "password").read_text() for role in roles}


def make_keyfile(file: Path) -> None:
    """Make what the members of a replica set know each other by; MongoDB takes it from its own user alone."""
    _write_new(file, secrets.token_hex(_KEYFILE_BYTES // 2))


def _make_signer(vault: Path, signing: Path) -> None:
    if signing.exists():
        return
    made = new_signing_pair(vault)
    # Who checks first: what is signed before it is known would be refused.
    (made.signers_dir / f"{made.signer_id}.pem").rename(made.signers_dir / signing.name)
    signing.parent.mkdir(exist_ok=True)
    arriving = signing.with_suffix(".arriving")
    shutil.copyfile(made.signing_key_file, arriving)
    arriving.chmod(0o600)
    arriving.rename(signing)
    made.signing_key_file.unlink(missing_ok=True)


def _write_new(file: Path, text: str) -> None:
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    arriving = file.with_suffix(".arriving")
    arriving.unlink(missing_ok=True)
    arriving.touch(mode=0o600)
    arriving.write_text(text)
    arriving.chmod(0o400)
    arriving.rename(file)
