"""Apple credentials: their shape, the envelope in which they are kept, and who vouches for it."""

from icloud.credentials.apple import AppleCredential, CredentialField, CredentialMalformed
from icloud.credentials.envelope import Binding, Envelope, EnvelopeRefused, Opener, SealedCredential, Sealer
from icloud.credentials.keys import (
    KeyPair,
    KeysUnusable,
    SigningPair,
    new_key_pair,
    new_signing_pair,
)
from icloud.credentials.signatures import Signature, Signer, Signers

__all__ = [
    "AppleCredential",
    "Binding",
    "CredentialField",
    "CredentialMalformed",
    "Envelope",
    "EnvelopeRefused",
    "KeyPair",
    "KeysUnusable",
    "Opener",
    "SealedCredential",
    "Sealer",
    "Signature",
    "Signer",
    "Signers",
    "SigningPair",
    "new_key_pair",
    "new_signing_pair",
]
