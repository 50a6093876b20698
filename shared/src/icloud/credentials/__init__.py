"""Apple credentials: their shape, and the envelope in which they are kept."""

from icloud.credentials.apple import AppleCredential, CredentialField, CredentialMalformed
from icloud.credentials.envelope import Binding, Envelope, EnvelopeRefused, Opener, SealedCredential, Sealer
from icloud.credentials.keys import KeyPair, KeysUnusable, new_key_pair

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
    "new_key_pair",
]
