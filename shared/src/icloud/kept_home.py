"""An account's home between two looks at it, for nobody to read who has not the account's password (docs/adr/0023)."""

import json
import os
from dataclasses import asdict
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from icloud.credentials import AppleCredential
from icloud.credentials.envelope import length_prefixed
from icloud.values import Home

_VERSION: Final = b"\x01"
_PURPOSE: Final = b"calsync.sync.home"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TEXTS: Final = ("principal", "origin", "path")


class KeptHome:
    """A home, sealed under a key that comes from the app-specific password: 16 random letters, 75 bits.

    It names the user by e-mail address and by Apple's number. Whoever may open the credential may know it, nobody else,
    and no key has to be kept for that. Under another password, or for another connection, it does not open.
    """

    __slots__ = ("_key", "_opened", "_sealed", "_whose")

    def __init__(self, whose: str, sealed: bytes | None = None) -> None:
        """`whose` is what it is bound to; `sealed` what was kept, if anything was."""
        self._whose = whose
        self._sealed = sealed
        self._key: AESGCM | None = None
        self._opened: Home | None = None

    def open(self, credential: AppleCredential) -> Home | None:
        """The home; None where nothing is kept that this credential opens: it is to be found anew."""
        self._key = AESGCM(_derived(credential, self._whose))
        self._opened = None if self._sealed is None else _unsealed(self._key, self._sealed)
        return self._opened

    def news(self, home: Home | None) -> bytes | None:
        """What is to be kept instead; None: all is as it was, or it was never opened."""
        if self._key is None or home is None or home == self._opened:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._key.encrypt(nonce, json.dumps(asdict(home)).encode(), _VERSION)

    def __repr__(self) -> str:
        return "KeptHome(…)"


def _derived(credential: AppleCredential, whose: str) -> bytes:
    info = length_prefixed([_PURPOSE, _VERSION, whose.encode()])
    password = credential.app_password.encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(password)


def _unsealed(key: AESGCM, sealed: bytes) -> Home | None:
    version, nonce, text = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if version != _VERSION or len(nonce) < _NONCE_BYTES:
        return None
    try:
        return _home(json.loads(key.decrypt(nonce, text, _VERSION)))
    except (InvalidTag, ValueError):
        return None


def _home(plain: object) -> Home | None:
    """What another version has kept may say more, which is left out, or something else: then it is found anew."""
    if not isinstance(plain, dict):
        return None
    texts, addresses = [plain.get(name) for name in _TEXTS], plain.get("addresses")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in (*texts, *addresses)):
        return None
    return Home(plain["principal"], plain["origin"], plain["path"], tuple(addresses))
