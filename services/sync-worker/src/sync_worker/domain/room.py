"""How many occurrences one connection may have: everybody who reads our events bears the sum of them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sync_worker.domain.outbox import CROWDED_OUT, Content, Imported, Known, Quarantine
from sync_worker.domain.values import FactGroup, Facts, Span

ROOM: Final = 300_000
"""Occurrences of a connection's series within the horizon. Twice what a heavy user has: 10,000 events with 700 weekly
and 200 daily series among them come to 120,000."""
ROOM_FOR_LARGE: Final = 200_000
"""Up to which objects are let in that have more than LARGE: a few bombs are to leave room for everything else."""
LARGE: Final = 1_000
"""A daily series has 402, one of every working hour some 2,300."""
_AGAIN: Final = 0.9
"""Of either, up to which what was crowded out is let in again. So nothing goes to and fro at the brim."""


def taken_by(occurrences: int) -> int:
    """What an object takes of the room. A single occurrence takes none: nothing smaller could stand for it."""
    return occurrences if occurrences > 1 else 0


def taken_by_known(known: Known | None) -> int:
    """The same for an object as it is kept, if it is."""
    return taken_by(known.occurrences) if known and known.alive else 0


def grows(known: Known | None, read: Imported) -> bool:
    """Whether a reading takes more room than what is kept of the object. What does not may stay, however full it is."""
    return taken_by(read.content.occurrences) > taken_by_known(known)


def fits(known: Known | None, read: Imported, taken: int) -> bool:
    """Whether there is room for a reading that grows; `taken` is that of all that is kept."""
    had, wanted = taken_by_known(known), taken_by(read.content.occurrences)
    # What is large and has its room may be a little larger on some days than on others.
    most = ROOM if had > LARGE else _most(wanted, again=known is not None and known.is_crowded_out)
    return taken - had + wanted <= most


def crowded_out(read: Imported, content: Content, digest: str) -> Imported:
    """What is kept of a reading for which there is no room, once `content` stands for what it says.

    What cannot be read is told as that, as before; only its times are told less finely.
    """
    first = min((span for group in read.content.groups for span in group.spans), default=None)
    why = Quarantine(CROWDED_OUT, Span(*first) if first else None, read.content.occurrences)
    return replace(read, content=content, digest=digest, quarantine=read.quarantine or why)


def in_one(content: Content) -> Content:
    """All of its time as one, from the first start to the last end.

    It is free, cancelled, declined and so on only if every single occurrence is.
    """
    extent, each = content.extent, [group.facts for group in content.groups]
    if extent is None:
        return content
    facts = Facts(
        cancelled=all(one.cancelled for one in each),
        declined=all(one.declined for one in each),
        transparent=all(one.transparent for one in each),
        tentative=all(one.tentative for one in each),
        own_appointment=all(one.own_appointment for one in each),
        all_day=all(one.all_day for one in each),
    )
    return replace(content, groups=(FactGroup(facts, ((extent.start, extent.end),)),))


def let_in_again(kept: Iterable[Known], taken: int) -> frozenset[str]:
    """Hrefs of those that were crowded out and fit by now: the smallest first, as many as there is room for."""
    crowded = [(one.quarantine.occurrences, one.href) for one in kept if one.quarantine and one.is_crowded_out]
    found = set[str]()
    for occurrences, href in sorted(crowded):
        taken += occurrences
        if taken > _most(occurrences, again=True):
            break
        found.add(href)
    return frozenset(found)


def _most(wanted: int, *, again: bool) -> float:
    most = ROOM if wanted <= LARGE else ROOM_FOR_LARGE
    return _AGAIN * most if again else most
