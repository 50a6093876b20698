"""Bearer tokens as the platform would issue them, signed by a key of this stack alone."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from local_stack.errors import CannotGoOn

ISSUER: Final = "https://platform.crococlick.test"
AUDIENCE: Final = "calsync"
EVERY_SCOPE: Final = "calendar:manage availability:read appointments:write"

_ALGORITHM: Final = "ES256"
_KEY_ID: Final = "local"
_UNITS: Final[Mapping[str, str]] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class TokenKeys:
    """The platform's key pair of one stack: `jwt.pem` (mode 600) and the public `jwks.json`."""

    def __init__(self, folder: Path) -> None:
        self._private_file = folder / "jwt.pem"
        self.jwks_file = folder / "jwks.json"

    def make(self) -> None:
        """Leave an earlier pair as it is."""
        if not self._private_file.exists():
            self._private_file.parent.mkdir(parents=True, exist_ok=True)
            key = ec.generate_private_key(ec.SECP256R1())
            arriving = self._private_file.with_suffix(".arriving")
            arriving.touch(mode=0o600)
            arriving.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            arriving.rename(self._private_file)
        public = ECAlgorithm.to_jwk(self._private_key().public_key(), as_dict=True)
        entry = {**public, "kid": _KEY_ID, "alg": _ALGORITHM, "use": "sig"}
        self.jwks_file.write_text(json.dumps({"keys": [entry]}, indent=2))

    def token(self, claims: Mapping[str, Any], ttl: timedelta) -> str:
        """Sign `claims`, valid from now for `ttl`. Raises CannotGoOn when no pair was made."""
        if not self._private_file.exists():
            folder = self._private_file.parent.parent
            msg = f"No stack was started in {folder}. Start one: .venv/bin/python -m local_stack up"
            raise CannotGoOn(msg)
        now = datetime.now(UTC)
        everything = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + ttl, **claims}
        return jwt.encode(everything, self._private_key(), algorithm=_ALGORITHM, headers={"kid": _KEY_ID})

    def _private_key(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key(self._private_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            msg = f"{self._private_file} holds another kind of key. Delete it and start the stack again."
            raise CannotGoOn(msg)
        return key


def duration(text: str) -> timedelta:
    """Read `90s`, `30m`, `1h`, `2d`. Raises ValueError."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        msg = f"{text} is no duration such as 90s, 30m, 1h or 2d"
        raise ValueError(msg)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
