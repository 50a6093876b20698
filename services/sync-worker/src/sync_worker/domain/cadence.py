"""When to look at an account next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from math import sqrt

_JITTER = 0.2
_SHORTEST = timedelta(seconds=60)
_LONGEST = timedelta(hours=2)
# Past this many failures in a row the doubled minute exceeds the longest wait anyway.
_DOUBLINGS = 7
# While somebody is at it, one change follows another.
_JUST_NOW = timedelta(minutes=10)
_LATELY = timedelta(hours=1)
_TODAY = timedelta(days=1)
_SOON = timedelta(hours=2)
# Adapting matters where a fleet polls; an interval below it is somebody's wish to see changes within seconds.
_ADAPTS_FROM = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The time between two looks at an account: at least, as a rule, at most. Jitter stays inside."""

    shortest: timedelta
    usual: timedelta
    longest: timedelta

    def __post_init__(self) -> None:
        if not timedelta(0) < self.shortest <= self.usual <= self.longest:
            raise ValueError("the bounds are not in order")

    @classmethod
    def around(cls, usual: timedelta, shortest: timedelta | None = None, longest: timedelta | None = None) -> "Bounds":
        """The bounds that fit an interval, where nobody has set them.

        Five minutes: one to eight, so that what we know stays younger than ten minutes (R7) with two left for delays.
        Below a minute: no more than the jitter.
        """
        adapts = usual >= _ADAPTS_FROM
        return cls(
            shortest or usual * (0.2 if adapts else 1 - _JITTER),
            usual,
            longest or usual * (1.6 if adapts else 1 + _JITTER),
        )


@dataclass(frozen=True, slots=True)
class Activity:
    """When something was last going on about an account; None: never, as far as we know."""

    changed_at: datetime | None = None
    """The last pass that found a change."""
    asked_at: datetime | None = None
    """The user asked for a look, or changed the setup."""
    booked_at: datetime | None = None
    """Somebody who was booking asked for a look."""
    next_appointment_at: datetime | None = None


def next_look(connection_id: str, nth_pass: int, *, bounds: Bounds, activity: Activity, now: datetime) -> timedelta:
    """Tell how long to wait after a pass that went well; between the bounds, ± 20 % as far as they allow.

    The jitter depends on connection and pass alone.
    """
    wait = min(_waits(bounds, activity, now), default=bounds.longest)
    least = max(wait * (1 - _JITTER), bounds.shortest)
    most = min(wait * (1 + _JITTER), bounds.longest)
    return least + (most - least) * chance(connection_id, nth_pass)


def next_try(
    connection_id: str, nth_pass: int, *, bounds: Bounds, failures: int, retry_after: timedelta | None = None
) -> timedelta:
    """Tell how long to wait after a pass that came to nothing, the last of `failures` in a row.

    60 s · 2ⁿ⁻¹ ± 20 %, at least a minute, and no more than the longest wait between two looks: what spares an ailing
    host is its breaker, and an account must not be behind for hours because Apple was away for one (R9). Never before
    the server's `retry_after`, itself taken between a minute and two hours: Apple's is routinely too short, so the
    longer of it and the doubled minutes counts, then up to two hours, and jitter only adds.
    """
    jitter = _JITTER * chance(connection_id, nth_pass)
    backed_off = _SHORTEST * 2 ** min(max(failures - 1, 0), _DOUBLINGS)
    if retry_after is None:
        return max(min(_bounded(backed_off * (1 - _JITTER + 2 * jitter)), bounds.longest), _SHORTEST)
    return max(_bounded(retry_after), _bounded(backed_off)) * (1 + jitter)


def chance(connection_id: str, nth_pass: int) -> float:
    """A number in [0, 1), spread evenly over connections and passes, and always the same for the same."""
    digest = blake2b(f"{connection_id}:{nth_pass}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _waits(bounds: Bounds, activity: Activity, now: datetime) -> Iterator[timedelta]:
    """What each thing that is going on calls for."""
    half = bounds.shortest * sqrt(bounds.usual / bounds.shortest)
    for at in (activity.changed_at, activity.booked_at, activity.asked_at):
        if at is not None and now - at <= _JUST_NOW:
            yield bounds.shortest
    for at in (activity.changed_at, activity.booked_at):
        if at is not None and now - at <= _LATELY:
            yield half
    if activity.changed_at is not None and now - activity.changed_at <= _TODAY:
        yield bounds.usual
    if activity.next_appointment_at is not None and now <= activity.next_appointment_at:
        ahead = activity.next_appointment_at - now
        if ahead <= _TODAY:
            yield half if ahead <= _SOON else bounds.usual


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, _SHORTEST), _LONGEST)
