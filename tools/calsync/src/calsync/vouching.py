"""Signatures of the vault's envelopes, made anew for another epoch; no envelope is opened here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bson import Binary
from pydantic import Field
from pydantic_core import PydanticCustomError

from calsync.ends import Misuse
from calsync.settings import StoreAndLog
from calsync.stores import Document
from runtime.settings import Fragment
from runtime.settings.fragments import RULE


class NotVouchedFor(Exception):
    """Nobody whom the workers believe has signed this envelope as it stands; the message is the reason in one word."""


class SigningSettings(Fragment):
    """The key tool's own (docs/key-policy.md)."""

    signing_key_file: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNING_KEY_FILE",
        description="a PEM file with an Ed25519 private key; the workers must know its public key",
    )
    signers_dir: Path | None = Field(
        default=None,
        validation_alias="CALSYNC_VAULT_SIGNERS_DIR",
        description="the directory with the public keys of those who sign, the workers' own or a copy of it",
    )

    def model_post_init(self, context: object, /) -> None:
        """Check what no field can say alone."""
        del context
        if (self.signing_key_file is None) != (self.signers_dir is None):
            # To sign what was not checked would make a forgery good.
            raise PydanticCustomError(
                RULE, "CALSYNC_VAULT_SIGNING_KEY_FILE, CALSYNC_VAULT_SIGNERS_DIR: set both or none"
            )


class Renewing(StoreAndLog):
    """For giving connections a new epoch."""

    signing: SigningSettings


class Voucher(Protocol):
    """Makes an envelope good for another epoch."""

    def anew(self, sealed: Document, epoch: int) -> Mapping[str, object]:
        """The fields of the envelope's document that change. Raises NotVouchedFor."""


class Unsigned:
    """Where nobody signs: the epoch is all there is to change."""

    def anew(self, sealed: Document, epoch: int) -> Mapping[str, object]:
        if "signature" in sealed:
            raise NotVouchedFor("signed")
        return {"epoch": epoch}


class Signed:
    """Checks the signature that is there, then signs the very same envelope for the new epoch."""

    def __init__(self, signing_key_file: Path, signers_dir: Path) -> None:
        """Raises Misuse where the keys are none."""
        from icloud import credentials  # noqa: PLC0415 - all of the client comes with it, and only who signs needs it

        self._credentials = credentials
        try:
            self._signer = credentials.Signer(signing_key_file)
            self._signers = credentials.Signers(signers_dir)
        except credentials.KeysUnusable as unusable:
            raise Misuse(str(unusable)) from None

    def anew(self, sealed: Document, epoch: int) -> Mapping[str, object]:
        if "signature" not in sealed:
            raise NotVouchedFor("unsigned")
        vault = self._credentials
        envelope = vault.Envelope(sealed["version"], sealed["key_id"], bytes(sealed["sealed"]))
        binding = vault.Binding(sealed["account_id"], sealed["_id"])
        try:
            old = vault.Signature(sealed["signer_id"], bytes(sealed["signature"]))
            self._signers.check(envelope, binding, sealed["epoch"], old)
            new = self._signer.sign(envelope, binding, epoch)
            # Ours must be among those whom the workers believe.
            self._signers.check(envelope, binding, epoch, new)
        except vault.EnvelopeRefused as refused:
            raise NotVouchedFor(refused.reason) from None
        return {"epoch": epoch, "signer_id": new.signer_id, "signature": Binary(new.signature)}


def voucher(settings: SigningSettings) -> Voucher:
    """By the settings. Raises Misuse."""
    if settings.signing_key_file is None or settings.signers_dir is None:
        return Unsigned()
    return Signed(settings.signing_key_file, settings.signers_dir)
