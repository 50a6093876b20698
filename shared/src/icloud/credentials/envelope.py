"""Sealed credentials: whoever holds the public key may write them, only holders of the private key read them.

HPKE (RFC 9180), base mode, single shot. What the envelope belongs to goes into `info`, so that an envelope moved to
another account or connection, or relabelled with another key or version, does not open.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from icloud.credentials.apple import AppleCredential, CredentialMalformed
from icloud.credentials.keys import KeysUnusable, private_keys, public_key

# A version names one suite and one payload for good. A new suite is a new version beside it.
VERSION = 1
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = "calsync.vault.credential"


class EnvelopeRefused(Exception):
    """The envelope does not open here: unknown version or key, another binding, or altered bytes.

    `reason` is `unknown_version`, `unknown_key`, `does_not_open` or `unreadable_payload`; of a signature `unsigned`,
    `unknown_signer` or `wrongly_signed`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose credential it is."""

    account_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """What is inside an envelope: the credential, and the Apple principal it was proven for."""

    credential: AppleCredential
    principal: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed credential as the vault keeps it."""

    version: int
    key_id: str
    sealed: bytes = field(repr=False)


class Sealer:
    """Seals for the holders of one private key. The key id is the file's name without its suffix."""

    def __init__(self, public_key_file: Path) -> None:
        """Raise KeysUnusable if the file is no X25519 public key in PEM."""
        self._key_id, self._key = public_key(public_key_file)

    def seal(self, payload: SealedCredential, binding: Binding) -> Envelope:
        """Seal; twice the same gives two different envelopes."""
        return _sealed(payload, binding, self._key_id, self._key)


class Opener:
    """Opens what was sealed for any of the private keys in a directory; several at a time while keys rotate."""

    def __init__(self, keys_dir: Path) -> None:
        """Raise KeysUnusable if the directory holds no private key, or a file that is none."""
        self._keys_dir = keys_dir
        self._keys = private_keys(keys_dir)

    def open(self, envelope: Envelope, binding: Binding) -> SealedCredential:
        """Open, or raise EnvelopeRefused."""
        if envelope.version != VERSION:
            raise EnvelopeRefused("unknown_version")
        info = _info(envelope.version, envelope.key_id, binding)
        try:
            plain = _SUITE.decrypt(envelope.sealed, self._key(envelope.key_id), info)
        except InvalidTag:
            raise EnvelopeRefused("does_not_open") from None
        return _payload(plain)

    def reseal(self, envelope: Envelope, binding: Binding, key_id: str) -> Envelope:
        """The same credential, sealed for another of these keys, or the same one; what comes back opens here.

        Raise EnvelopeRefused, also where there is no such key.
        """
        payload, key = self.open(envelope, binding), self._key(key_id)
        resealed = _sealed(payload, binding, key_id, key.public_key())
        if self.open(resealed, binding) != payload:
            raise EnvelopeRefused("does_not_open")
        return resealed

    def _key(self, key_id: str) -> X25519PrivateKey:
        if key_id not in self._keys:
            # A key that came in by rotation after the start. A half-written directory changes nothing.
            try:
                self._keys = private_keys(self._keys_dir)
            except KeysUnusable:
                raise EnvelopeRefused("unknown_key") from None
        try:
            return self._keys[key_id]
        except KeyError:
            raise EnvelopeRefused("unknown_key") from None


def _sealed(payload: SealedCredential, binding: Binding, key_id: str, key: X25519PublicKey) -> Envelope:
    plain = json.dumps(
        {
            "apple_id": payload.credential.apple_id,
            "app_password": payload.credential.app_password,
            "principal": payload.principal,
        }
    ).encode()
    return Envelope(VERSION, key_id, _SUITE.encrypt(plain, key, _info(VERSION, key_id, binding)))


def _info(version: int, key_id: str, binding: Binding) -> bytes:
    """Each part with its length, so that no two bindings are written alike."""
    parts = (_PURPOSE, str(version), key_id, binding.account_id, binding.connection_id)
    return length_prefixed([part.encode() for part in parts])


def length_prefixed(parts: Iterable[bytes]) -> bytes:
    """Each part after its length (4 bytes, big-endian): no two lists are written alike."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _payload(plain: bytes) -> SealedCredential:
    # The cause would carry the plain text in its message or frames: it is cut off.
    try:
        match json.loads(plain):
            case {"apple_id": str(apple_id), "app_password": str(app_password), "principal": str(principal)}:
                return SealedCredential(AppleCredential(apple_id, app_password), principal)
    except (ValueError, CredentialMalformed):
        raise EnvelopeRefused("unreadable_payload") from None
    raise EnvelopeRefused("unreadable_payload")
