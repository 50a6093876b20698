"""Why a wish cannot be fulfilled, apart from what Apple says (icloud.errors)."""

from datetime import datetime, timedelta

from connector.domain.choosing import (
    AccessReadOnly,
    CalendarNotWritable,
    CalendarUnsupported,
    ChoiceOutdated,
    UnknownCalendar,
    UnknownTimeZone,
)

__all__ = [
    "AccessReadOnly",
    "AlreadyConnected",
    "AppleAccountInUse",
    "AppleIdNeeded",
    "CalendarNotWritable",
    "CalendarUnsupported",
    "ChoiceOutdated",
    "DifferentAppleAccount",
    "HeldOtherwise",
    "NoSuchConnection",
    "NobodyToAsk",
    "TooManyAttempts",
    "TooMuchUntold",
    "TooSoon",
    "UnknownCalendar",
    "UnknownTimeZone",
]


class AlreadyConnected(Exception):
    """The user has a connection in this account: disconnect it first."""


class AppleAccountInUse(Exception):
    """Another CrocoClick account holds this Apple account; who, is nobody's business."""


class NoSuchConnection(Exception):
    """There is none by this id, or it belongs to somebody else."""


class DifferentAppleAccount(Exception):
    """The credential is of another Apple account than the connection: disconnect first to connect that one."""


class AppleIdNeeded(Exception):
    """We do not know the connection's Apple ID (any more): ask for it."""


class HeldOtherwise(Exception):
    """What is held of a calendar is not what whoever confirms it has seen: show it, and ask again."""


class TooSoon(Exception):
    """Somebody asked for the same a moment ago; ask again `after` that time."""

    def __init__(self, after: timedelta) -> None:
        super().__init__()
        self.after = after


class TooManyAttempts(Exception):
    """Too many credentials were refused lately; Apple was not asked. Try again at `until`, `after` that time.

    `reason` is the scope of the limit, a word for our logs: whoever asks is not told which limit it is.
    """

    def __init__(self, until: datetime, after: timedelta, reason: str) -> None:
        super().__init__()
        self.until = until
        self.after = after
        self.reason = reason


class TooMuchUntold(Exception):
    """The others have not heard of the last reconnects yet, so that no more are taken: nothing was changed."""


class NobodyToAsk(Exception):
    """The workers cannot be reached at present: ask again later."""
