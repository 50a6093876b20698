"""What the connector counts. No label names a user, an account or a connection."""

from typing import Final

from prometheus_client import Counter

PROOFS: Final = Counter(
    "calsync_credentials_proofs_total", "Credentials that were to be shown to Apple, by what came of it.", ["result"]
)
