"""What can go wrong with Apple's server, named by what the caller must do.

No message holds a URL, a body, an Apple id or a credential: `reason` is always one of our own short words.
"""

from datetime import timedelta


class ICloudError(Exception):
    """One of the errors below; a call of this package raises nothing else about the server's answers."""


class CredentialsRejected(ICloudError):
    """The entry or the home host answered 401. Ask the user, after several spaced confirmations."""

    def __init__(self) -> None:
        super().__init__("the credentials were rejected")


class CalendarNotEnabled(ICloudError):
    """The credentials are good, the account has no calendar home. The user must switch iCloud Calendar on."""

    def __init__(self) -> None:
        super().__init__("the account has no calendar home")


class TryLater(ICloudError):
    """Down, throttled, too slow or cut short: nothing was learnt, wait and repeat.

    `after` is what the server asked for, clamped to 60 s … 2 h; 15 min where it throttles and names nothing, else None.
    Waiting longer is always right, waiting shorter never.
    """

    def __init__(self, after: timedelta | None, reason: str) -> None:
        super().__init__(reason)
        self.after = after
        self.reason = reason


class CalendarGone(ICloudError):
    """The calendar is no longer there: forget it after a fresh listing says so too."""

    def __init__(self) -> None:
        super().__init__("the calendar is gone")


class TokenDead(ICloudError):
    """The sync token is no longer accepted, the calendar exists: list it anew and compare. Remove nothing before."""

    def __init__(self) -> None:
        super().__init__("the sync token is no longer accepted")


class PreconditionFailed(ICloudError):
    """A write met another state than expected: read back and judge.

    `reason` is `etag` (somebody else was faster, or our own earlier attempt) or `uid_conflict`
    (another object of the account holds the UID).
    """

    def __init__(self, reason: str = "etag") -> None:
        super().__init__(reason)
        self.reason = reason


class Forbidden(ICloudError):
    """The account may not do this; repeating it changes nothing. Says nothing about the credentials."""

    def __init__(self, reason: str = "forbidden") -> None:
        super().__init__(reason)
        self.reason = reason


class NotUnderstood(ICloudError):
    """The answer is none we know how to read: nothing was learnt, tell a developer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
