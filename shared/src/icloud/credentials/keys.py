"""The vault's keys as files, in PEM: X25519 to seal and open with, Ed25519 to sign and check with.

`openssl genpkey -algorithm x25519` (or ed25519) writes the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_KEY_ID_DIGITS = 16


T = TypeVar("T")


class KeysUnusable(Exception):
    """A key file or directory is missing, empty or holds something else. Names the file, never its content."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a new pair was written: the connector gets the file, the workers the directory."""

    key_id: str
    public_key_file: Path
    private_keys_dir: Path


@dataclass(frozen=True, slots=True)
class SigningPair:
    """Where a new pair was written: who signs gets the file, who checks the directory."""

    signer_id: str
    signing_key_file: Path
    signers_dir: Path


def new_key_pair(directory: Path) -> KeyPair:
    """Write `public/<key id>.pem` and `private/<key id>.pem` (mode 600) below `directory`, beside earlier pairs."""
    public_file, private_file = _write(X25519PrivateKey.generate(), directory / "public", directory / "private")
    return KeyPair(public_file.stem, public_file, private_file.parent)


def new_signing_pair(directory: Path) -> SigningPair:
    """Write `signers/<signer id>.pem` and `signing/<signer id>.pem` (mode 600) below `directory`, beside earlier pairs.

    `signers` holds the public keys.
    """
    public_file, private_file = _write(Ed25519PrivateKey.generate(), directory / "signers", directory / "signing")
    return SigningPair(public_file.stem, private_file, public_file.parent)


def public_key(file: Path) -> tuple[str, X25519PublicKey]:
    """Key id and key."""
    key = _public(file)
    if not isinstance(key, X25519PublicKey):
        raise KeysUnusable(f"{file} is no X25519 public key")
    return file.stem, key


def private_keys(directory: Path) -> dict[str, X25519PrivateKey]:
    """Keys by key id."""
    return _all(directory, _private_key, "private key")


def signing_key(file: Path) -> tuple[str, Ed25519PrivateKey]:
    """Signer id and key."""
    key = _private(file)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysUnusable(f"{file} is no Ed25519 private key")
    return file.stem, key


def signer_keys(directory: Path) -> dict[str, Ed25519PublicKey]:
    """Keys by signer id."""
    return _all(directory, _signer_key, "public key")


def _write(private: X25519PrivateKey | Ed25519PrivateKey, public_dir: Path, private_dir: Path) -> tuple[Path, Path]:
    """The files of the public and the private key."""
    public = private.public_key()
    key_id = sha256(public.public_bytes_raw()).hexdigest()[:_KEY_ID_DIGITS]
    public_dir.mkdir(parents=True, exist_ok=True)
    private_dir.mkdir(mode=0o700, exist_ok=True)
    # The private key first: what is sealed for a public key alone would be lost.
    private_file = private_dir / f"{key_id}.pem"
    private_file.touch(mode=0o600, exist_ok=False)
    private_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public_file = public_dir / f"{key_id}.pem"
    public_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public_file, private_file


def _all(directory: Path, read: Callable[[Path], T], what: str) -> dict[str, T]:
    """Hidden entries are left out: Kubernetes keeps its own links in a mounted secret."""
    try:
        files = sorted(entry for entry in directory.iterdir() if entry.is_file() and not entry.name.startswith("."))
    except OSError:
        raise KeysUnusable(f"{directory} is no readable directory") from None
    if not files:
        raise KeysUnusable(f"{directory} holds no {what}")
    return {file.stem: read(file) for file in files}


def _private_key(file: Path) -> X25519PrivateKey:
    key = _private(file)
    if not isinstance(key, X25519PrivateKey):
        raise KeysUnusable(f"{file} is no X25519 private key")
    return key


def _signer_key(file: Path) -> Ed25519PublicKey:
    key = _public(file)
    if not isinstance(key, Ed25519PublicKey):
        raise KeysUnusable(f"{file} is no Ed25519 public key")
    return key


def _public(file: Path) -> PublicKeyTypes:
    try:
        return load_pem_public_key(file.read_bytes())
    except (OSError, ValueError):
        raise KeysUnusable(f"{file} is no readable public key") from None


def _private(file: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise KeysUnusable(f"{file} is no readable private key") from None
