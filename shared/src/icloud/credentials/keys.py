"""The vault's keys as files: X25519 in PEM, as `openssl genpkey -algorithm x25519` writes them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

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


class KeysUnusable(Exception):
    """A key file or directory is missing, empty or holds something else. Names the file, never its content."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a new pair was written: the connector gets the file, the workers the directory."""

    key_id: str
    public_key_file: Path
    private_keys_dir: Path


def new_key_pair(directory: Path) -> KeyPair:
    """Write `public/<key id>.pem` and `private/<key id>.pem` (mode 600) below `directory`, beside earlier pairs."""
    private = X25519PrivateKey.generate()
    public = private.public_key()
    key_id = sha256(public.public_bytes_raw()).hexdigest()[:_KEY_ID_DIGITS]
    public_dir, private_dir = directory / "public", directory / "private"
    public_dir.mkdir(parents=True, exist_ok=True)
    private_dir.mkdir(mode=0o700, exist_ok=True)
    # The private key first: what is sealed for a public key alone would be lost.
    private_file = private_dir / f"{key_id}.pem"
    private_file.touch(mode=0o600, exist_ok=False)
    private_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public_file = public_dir / f"{key_id}.pem"
    public_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return KeyPair(key_id, public_file, private_dir)


def public_key(file: Path) -> tuple[str, X25519PublicKey]:
    """Key id and key."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError):
        raise KeysUnusable(f"{file} is no readable public key") from None
    if not isinstance(key, X25519PublicKey):
        raise KeysUnusable(f"{file} is no X25519 public key")
    return file.stem, key


def private_keys(directory: Path) -> dict[str, X25519PrivateKey]:
    """Keys by key id. Hidden entries are left out: Kubernetes keeps its own links in a mounted secret."""
    try:
        files = sorted(entry for entry in directory.iterdir() if entry.is_file() and not entry.name.startswith("."))
    except OSError:
        raise KeysUnusable(f"{directory} is no readable directory") from None
    if not files:
        raise KeysUnusable(f"{directory} holds no private key")
    return {file.stem: _private_key(file) for file in files}


def _private_key(file: Path) -> X25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise KeysUnusable(f"{file} is no readable private key") from None
    if not isinstance(key, X25519PrivateKey):
        raise KeysUnusable(f"{file} is no X25519 private key")
    return key
