"""In what order a calendar is read for the first time: the days that are booked next come first."""

from typing import Final

from sync_worker.domain.values import Span

_DAY: Final = 24 * 60 * 60
# From the beginning of the horizon, a day ago: the next fortnight, the next three months.
_ENDS: Final = (15 * _DAY, 91 * _DAY)


def nearest_first(horizon: Span) -> tuple[Span, ...]:
    """The horizon in windows that touch each other; what lies in several of them is met in the nearest."""
    cuts = [horizon.start + end for end in _ENDS if horizon.start + end < horizon.end]
    return tuple(Span(*window) for window in zip([horizon.start, *cuts], [*cuts, horizon.end], strict=True))
