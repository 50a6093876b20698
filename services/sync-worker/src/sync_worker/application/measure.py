"""How the fleet stands, as numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from prometheus_client import Gauge

from sync_worker.application import metrics


class Standing(StrEnum):
    """How a connection stands."""

    HEALTHY = "healthy"
    """Read before, and Apple lets us in as far as we know."""
    IMPORTING = "importing"
    """Not read to the end yet."""
    REFUSED = "refused"
    """Apple refuses the password, and it is not certain yet that it is dead."""
    STOPPED = "stopped"
    """The password is dead: the user has to reconnect."""
    PAUSED = "paused"
    """By hand: nothing is asked of Apple until somebody says so."""
    ERASING = "erasing"


@dataclass(frozen=True, slots=True)
class Overdue:
    """Connections that are late and nobody's, and for how many seconds the first of all due ones has been due."""

    connections: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection of the sample. `age` is for how many seconds it has not been read, where it is healthy."""

    standing: Standing
    age: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Some connections, drawn by chance, and how many times as many there are."""

    seen: Sequence[Seen]
    scale: float


class Fleet(Protocol):
    """The store, asked by questions whose cost does not grow with it, on its own clock."""

    async def overdue(self) -> Overdue:
        """What waits for a worker."""

    async def sample(self) -> Sample:
        """Several hundred connections, or all where there are fewer."""

    async def quarantined(self) -> int:
        """Objects that cannot be read now."""


_STANDINGS: Final[Mapping[Standing, Gauge]] = {one: metrics.CONNECTIONS.labels(one.value) for one in Standing}


class MeasureFleet:
    """Numbers of the whole fleet; every worker tells the same, but for the luck of the draw."""

    OVERDUE: Final = (metrics.OVERDUE, metrics.OLDEST_OVERDUE)
    STANDINGS: Final = tuple(_STANDINGS.values())
    QUARANTINED: Final = (metrics.IN_QUARANTINE,)

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def overdue(self) -> Sequence[float]:
        """For the gauges OVERDUE."""
        found = await self._fleet.overdue()
        return found.connections, found.oldest_seconds

    async def standings(self) -> Sequence[float]:
        """For the gauges STANDINGS. The ages of the healthy ones go into the histogram of freshness."""
        sample = await self._fleet.sample()
        for one in sample.seen:
            if one.age is not None:
                metrics.FRESHNESS.observe(one.age)
        found = Counter(one.standing for one in sample.seen)
        return [round(found[standing] * sample.scale) for standing in _STANDINGS]

    async def quarantined(self) -> Sequence[float]:
        """For the gauge QUARANTINED."""
        return (await self._fleet.quarantined(),)
