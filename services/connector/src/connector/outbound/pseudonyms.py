"""Names for those whose attempts are counted, so that no store holds an Apple ID, a user or an address in clear."""

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Final

from connector.domain.attempts import Subject
from connector.outbound.own_key import key_for

_PURPOSE: Final = b"calsync.connector.attempts"


class Pseudonyms:
    """HMAC-SHA256 under the connector's own key.

    Without that key the pseudonym is a bare hash: the same for everybody, and whoever reads the database can try
    addresses until one fits, while it is counted.
    """

    def __init__(self, key_file: Path | None) -> None:
        """Raise own_key.KeyUnusable."""
        self._key = _PURPOSE if key_file is None else key_for(_PURPOSE, key_file)

    def __call__(self, subject: Subject) -> str:
        """The same for the same subject, in every replica; each part counts with its length."""
        parts = [part.encode() for part in (subject.scope.value, *subject.parts)]
        written = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, written, sha256).hex()
