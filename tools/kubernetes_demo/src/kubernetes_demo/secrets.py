"""The Secrets that overlays/dev needs, made as docs/deployment.md tells. Nothing of them is kept on this machine."""

import secrets
from pathlib import Path
from typing import Final

from icloud.credentials import new_key_pair, new_signing_pair
from kubernetes_demo import cluster
from local_stack.checkout import CHECKOUT
from local_stack.containers_mongodb import roles_from
from local_stack.containers_secrets import make_keyfile, make_passwords, passwords_in
from local_stack.tokens import TokenKeys

_SERVICES: Final = ("connector", "sync-worker", "availability")
_ROLES: Final = CHECKOUT / "deploy/mongodb/roles.json"
_ADMIN: Final = "admin"
_BYTES: Final = 24


def make_secrets(keys: TokenKeys, folder: Path) -> None:
    """Make all of them in the cluster, by way of a folder that is the caller's to remove."""
    keys.make()
    cluster.config_map("platform-jwks", {"jwks.json": keys.jwks_file})
    _vault(folder / "vault")
    _mongodb(folder / "mongodb")
    _kafka()


def _vault(folder: Path) -> None:
    """A key's id is its file's name, so a pair goes by one name everywhere."""
    pair = new_key_pair(folder)
    private = pair.private_keys_dir / f"{pair.key_id}.pem"
    cluster.secret("calsync-vault-private", {"vault.pem": private.read_bytes()})
    cluster.secret("calsync-vault-public", {"vault.pem": pair.public_key_file.read_bytes()})
    signing = new_signing_pair(folder)
    signer = signing.signers_dir / f"{signing.signer_id}.pem"
    cluster.secret("calsync-vault-signers", {"connector.pem": signer.read_bytes()})
    cluster.secret("calsync-vault-signing", {"connector.pem": signing.signing_key_file.read_bytes()})
    cluster.secret("calsync-connector", {"connector.key": secrets.token_bytes(32)})


def _mongodb(folder: Path) -> None:
    roles = roles_from(_ROLES)
    make_passwords(folder, roles, host="mongodb:27017", replica_set="rs0")
    make_keyfile(folder / "keyfile")
    cluster.secret("calsync-mongodb-keyfile", {"keyfile": (folder / "keyfile").read_bytes()})
    passwords = {user: password.encode() for user, password in passwords_in(folder, roles).items()}
    passwords[_ADMIN] = (folder / _ADMIN / "password").read_bytes()
    cluster.secret("calsync-mongodb-passwords", passwords)
    for service in _SERVICES:
        cluster.secret(f"calsync-mongodb-{service}", {"url": (folder / service / "url").read_bytes()})


def _kafka() -> None:
    passwords = {service: secrets.token_urlsafe(_BYTES) for service in (_ADMIN, *_SERVICES)}
    for user, password in passwords.items():
        cluster.secret(f"calsync-kafka-{user}", {"password": password.encode()})
