"""Whether what is known is new enough for somebody who asked for a fresh look."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from availability.domain.freshness import Ageing, Connection, State, freshness
from availability.domain.intervals import Window


class Verdict(StrEnum):
    """What to do about the age of knowledge."""

    ENOUGH = "enough"
    LOOK = "look"
    """A look at iCloud would help."""
    HOPELESS = "hopeless"
    """No look helps: Apple does not let us in, a look has just left a calendar out, or none reaches so far ahead."""


def judge(connections: Sequence[Connection], window: Window, wanted: datetime, asked: datetime | None) -> Verdict:
    """Whether every conflict calendar was read to the end of the time, and at `wanted` or later.

    `asked` is when a look was asked for, if it was. A user without a connection has no calendar to look at. What was
    read then stays true, also where Apple has refused the credential since.
    """
    known = freshness(connections, Ageing.never(), window)
    if known.state is State.NOT_CONNECTED:
        return Verdict.ENOUGH
    if known.as_of is not None and known.as_of >= wanted:
        return Verdict.ENOUGH
    if known.state is State.NEEDS_RECONNECT or not all(one.reaches(window) for one in connections):
        return Verdict.HOPELESS
    looked = asked is not None and all(_looked(one, asked) for one in connections)
    return Verdict.HOPELESS if looked else Verdict.LOOK


def _looked(connection: Connection, since: datetime) -> bool:
    return connection.as_of is not None and connection.as_of >= since and not connection.setup_is_another
