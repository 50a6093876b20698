"""Whether a figure of a process stays level over hours, whatever it does from minute to minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

_EDGE: Final = 5
"""The start and the end are a fifth of the samples each."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure at a moment; `seconds` since the beginning of the soak."""

    seconds: float
    value: float


@dataclass(frozen=True, slots=True)
class Limit:
    """How much the trend may add up to, from the first sample to the last: `least`, or a share of the start."""

    least: float
    share: float = 0.0

    def for_start(self, start: float) -> float:
        return max(self.least, self.share * start)


@dataclass(frozen=True, slots=True)
class Trend:
    """Medians of the start and the end, and the slope between."""

    start: float
    end: float
    an_hour: float
    """The median of the slopes between any two samples (Theil and Sen): a fourth of them may be anything."""
    grown: float
    """What that adds up to over the time that was looked at."""
    allowed: float

    @property
    def is_flat(self) -> bool:
        return self.grown <= self.allowed


def trend(samples: Sequence[Sample], limit: Limit) -> Trend:
    """Of at least two samples, in order."""
    slopes = [
        (later.value - earlier.value) / (later.seconds - earlier.seconds)
        for number, earlier in enumerate(samples)
        for later in samples[number + 1 :]
    ]
    slope, edge = median(slopes), max(1, len(samples) // _EDGE)
    start = median(sample.value for sample in samples[:edge])
    return Trend(
        start=start,
        end=median(sample.value for sample in samples[-edge:]),
        an_hour=slope * 3600,
        grown=slope * (samples[-1].seconds - samples[0].seconds),
        allowed=limit.for_start(start),
    )
