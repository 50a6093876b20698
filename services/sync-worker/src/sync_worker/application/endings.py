"""How a pass over a connection ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sync_worker.application.claim import Claim
from sync_worker.domain.holds import Wish
from sync_worker.domain.home_calendars import HomeTold
from sync_worker.domain.rejections import Rejections
from sync_worker.domain.tracked import Tracked


@dataclass(frozen=True, slots=True)
class Outlook:
    """How it stands with the user's appointments after a pass that has seen to them."""

    due_at: datetime | None
    """When the next of them is to be tried; None: there is nothing to do."""
    next_appointment_at: datetime | None
    reviewed: int
    """The connection's revision that they are held against."""


@dataclass(frozen=True, slots=True)
class Completed:
    """All that could be read was read up to `as_of`, and its events are on Kafka."""

    as_of: datetime
    again_in: timedelta
    home: bytes | None = field(repr=False)
    """Sealed, to be kept from now on; None: it is as it was."""
    changed: bool = False
    """Whether anything had changed at Apple."""
    outlook: Outlook | None = None
    """None: it is as it was."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The pass came to nothing. `asked` is how long Apple wants to be left alone, if it said so.

    `rejections` None: there is no row of 401s, or Apple has ended it by accepting something.
    """

    again_in: timedelta
    failures: int
    asked: timedelta | None = None
    rejections: Rejections | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The credential is refused for good: nothing more is asked of Apple until a reconnect."""

    rejections: Rejections


Ending = Completed | Postponed | Stopped


class Passes(Protocol):
    """What a pass leaves behind for the next one. Every call raises LeaseLost when the claim's fence is overtaken."""

    async def remember(self, claim: Claim, calendar_id: str, tracked: Tracked) -> None:
        """From here the next pass goes on."""

    async def forget(self, claim: Claim, calendar_id: str) -> None:
        """The calendar is no concern of ours any more."""

    async def heard(self, claim: Claim, wishes: Mapping[str, Wish]) -> None:
        """These wishes, by calendar, are fulfilled or void. Another one that came meanwhile stays."""

    async def told(self, claim: Claim, told: HomeTold) -> None:
        """This is what others know of the home's calendars from now on."""

    async def end(self, claim: Claim, ending: Ending) -> None:
        """Commit the pass, once for each fence, and give the lease back.

        Whoever wanted the connection to be looked at meanwhile gets it at once, not at the ending's time.
        """

    async def bury(self, claim: Claim) -> None:
        """The connection is erased; only its id and epoch are kept, so that nothing resurrects it."""
