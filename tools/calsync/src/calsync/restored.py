"""What became of connections since the backup that MongoDB was restored from, told by what Kafka has of them.

Pure: documents and what was told in, what is to be done out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from calsync.findings import Version, version
from calsync.newest import Events, Standing, ToldConnection

Document = Mapping[str, Any]
_YOUNG: Final = timedelta(minutes=10)
"""What was connected just now is on its way to Kafka, or there since we read it."""
UNREAD: Final[Mapping[str, object]] = {"basis": "", "digest": ""}
"""The fields of an object that is read again and told whatever it says: no reading goes by it, none is like it."""


class Fate(StrEnum):
    """What is to be done about a connection."""

    RENEW = "renew"
    RENEWED = "renewed"
    """It has its new epoch already."""
    OVER = "over"
    """It ended since the backup, and the restore brought it back: it has to be disconnected again."""
    LOST = "lost"
    """It began since the backup: Kafka has it, and nobody has its credential any more."""
    LEFT_OVER = "left_over"
    """It was renewed, and Kafka has events of it that nobody else has."""
    YOUNG = "too_young"
    """It has only begun; there is nothing to be done."""


@dataclass(frozen=True, slots=True)
class Moments:
    """MongoDB's now, and since when what was renewed is done."""

    now: datetime
    since: datetime


def fate_of(own: Document | None, told: ToldConnection | None, at: Moments) -> Fate | None:
    """None where there is nothing to do: it is over for everybody."""
    alive = told is not None and told.standing is not None
    if own is None:
        return Fate.LOST if alive else None
    if own["state"] == "disconnected":
        return None
    if at.now - own["created_at"] < _YOUNG:
        return Fate.YOUNG
    if not alive:
        # Compaction takes no living key away: what was told and is not there has ended.
        return Fate.OVER
    return Fate.RENEWED if "renewed_at" in own and own["renewed_at"] >= at.since else Fate.RENEW


def new_epoch(own: Document, told: ToldConnection | None, others: Iterable[int]) -> int:
    """Above everything that was ever told of it."""
    return max(int(own["epoch"]), told.version[0] if told else 0, *others) + 1


def terms_of(standing: Standing, since: int) -> dict[str, Any]:
    """What the user last chose, as the connector keeps it; each calendar counts as new in that revision."""
    said = standing.model_dump(mode="json", include={"access", "time_zone", "calendars", "setup"})
    for one in said["setup"]["conflict_calendars"]:
        one["since"] = since
    return dict(said)


def to_read_again(objects: Iterable[Document], told: Events) -> Iterator[str]:
    """Ids of the living objects that are not as Kafka has them: what they say is older, or nobody knows.

    They are not told as they are. What readers know may be newer, and a time that is taken would seem open.
    """
    for one in objects:
        said = told.get(one["_id"])
        if said is None or not said.alive or said.version != version(one):
            yield one["_id"]


def left_over(told: Events, living: Iterable[str], epoch: int) -> dict[str, Version]:
    """Events that were told before this epoch, and that neither the backup nor iCloud has: with their versions."""
    known = frozenset(living)
    return {
        one: said.version for one, said in told.items() if said.alive and said.version[0] < epoch and one not in known
    }
