"""When each connection has its daily work: at a moment of its own, so that a fleet's is spread over the day."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

_DAY: Final = timedelta(days=1)


def moment_before(connection_id: str, now: datetime) -> datetime:
    """The connection's last daily moment, `now` included. The same every day, spread evenly over connections."""
    digest = blake2b(f"daily:{connection_id}".encode(), digest_size=6).digest()
    of_day = _DAY * (int.from_bytes(digest) / 2**48)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0) + of_day
    return today if today <= now else today - _DAY
