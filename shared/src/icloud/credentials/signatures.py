"""Signatures of sealed credentials: who may write into the vault's collection can still not write what a worker opens.

Sealing needs a public key only, and anybody may have that. So whoever seals also signs (Ed25519, RFC 8032), and
whoever opens checks first. What is signed is the envelope byte for byte with everything that it belongs to; the epoch
is part of it, so that an old envelope that is put back after a reconnect is told from the present one.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from icloud.credentials.envelope import Binding, Envelope, EnvelopeRefused, length_prefixed
from icloud.credentials.keys import KeysUnusable, signer_keys, signing_key

_PURPOSE = "calsync.vault.signature.1"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who vouches for an envelope."""

    signer_id: str
    signature: bytes = field(repr=False)


class Signer:
    """Signs with one private key. The signer id is the file's name without its suffix."""

    def __init__(self, private_key_file: Path) -> None:
        """Raise KeysUnusable if the file is no Ed25519 private key in PEM."""
        self._signer_id, self._key = signing_key(private_key_file)

    @property
    def signer_id(self) -> str:
        return self._signer_id

    def sign(self, envelope: Envelope, binding: Binding, epoch: int) -> Signature:
        """Vouch for this envelope at this place and in this epoch of the connection, and nowhere else."""
        return Signature(self._signer_id, self._key.sign(_signed(envelope, binding, epoch, self._signer_id)))


class Signers:
    """Knows the public keys in a directory; several at a time while keys rotate, and one of each who may write."""

    def __init__(self, keys_dir: Path) -> None:
        """Raise KeysUnusable if the directory holds no Ed25519 public key, or a file that is none."""
        self._keys_dir = keys_dir
        self._keys = signer_keys(keys_dir)

    def check(self, envelope: Envelope, binding: Binding, epoch: int, signature: Signature | None) -> None:
        """Return if one of the signers vouches for exactly this. Raise EnvelopeRefused.

        Its reason is `unsigned`, `unknown_signer` or `wrongly_signed`.
        """
        if signature is None:
            raise EnvelopeRefused("unsigned")
        key = self._key(signature.signer_id)
        try:
            key.verify(signature.signature, _signed(envelope, binding, epoch, signature.signer_id))
        except InvalidSignature:
            raise EnvelopeRefused("wrongly_signed") from None

    def _key(self, signer_id: str) -> Ed25519PublicKey:
        if signer_id not in self._keys:
            # A key that came in by rotation after the start. A half-written directory changes nothing.
            try:
                self._keys = signer_keys(self._keys_dir)
            except KeysUnusable:
                raise EnvelopeRefused("unknown_signer") from None
        try:
            return self._keys[signer_id]
        except KeyError:
            raise EnvelopeRefused("unknown_signer") from None


def _signed(envelope: Envelope, binding: Binding, epoch: int, signer_id: str) -> bytes:
    words = (
        _PURPOSE,
        signer_id,
        str(envelope.version),
        envelope.key_id,
        binding.account_id,
        binding.connection_id,
        str(epoch),
    )
    return length_prefixed([*(word.encode() for word in words), envelope.sealed])
