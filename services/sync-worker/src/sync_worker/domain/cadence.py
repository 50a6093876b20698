"""When to poll next."""

from datetime import timedelta
from hashlib import blake2b

_JITTER = 0.2
_SHORTEST = timedelta(seconds=60)
_LONGEST = timedelta(hours=2)
# Past this many failures in a row the doubled minute exceeds the longest wait anyway.
_DOUBLINGS = 7


def next_wait(
    connection_id: str,
    pass_number: int,
    *,
    base: timedelta,
    failures: int = 0,
    retry_after: timedelta | None = None,
) -> timedelta:
    """Tell how long to wait before the next poll.

    After success: `base` ± 20 %. After `failures` in a row: 60 s · 2ⁿ⁻¹ ± 20 %, between a minute and two hours.
    Never before the server's `retry_after`, itself taken between a minute and two hours: Apple's is routinely too
    short, so the longer of both counts, and jitter only adds. The jitter depends on connection and pass alone.
    """
    chance = _chance(connection_id, pass_number)
    if not failures and retry_after is None:
        return base * (1 + _JITTER * (2 * chance - 1))
    backed_off = _SHORTEST * 2 ** min(max(failures - 1, 0), _DOUBLINGS)
    if retry_after is None:
        return _bounded(backed_off * (1 + _JITTER * (2 * chance - 1)))
    return max(_bounded(retry_after), _bounded(backed_off)) * (1 + _JITTER * chance)


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, _SHORTEST), _LONGEST)


def _chance(connection_id: str, pass_number: int) -> float:
    """A number in [0, 1), spread evenly over connections and passes."""
    digest = blake2b(f"{connection_id}:{pass_number}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48
