"""A home's answer to the question for its calendars."""

from hashlib import sha256

from icloud.values import ListedCalendar
from icloud.wire.calendars import listed_calendars


class HomeListing:
    """What a home shows, as the server wrote it. Reading it costs as much as asking for it, and most are as before."""

    __slots__ = ("_base", "_body", "_home")

    def __init__(self, body: bytes | bytearray, *, home: str, base: str) -> None:
        """`home` is the decoded path of the home that answered, `base` the encoded one."""
        self._body = body
        self._home = home
        self._base = base

    @property
    def digest(self) -> str:
        """Equal for what was written byte for byte alike by the same home: then `calendars` tells the same."""
        return sha256(f"{self._base}\n".encode() + self._body).hexdigest()

    def calendars(self) -> list[ListedCalendar]:
        """All calendars, in the server's order. Raise NotUnderstood or TryLater where they cannot be told."""
        return listed_calendars(self._body, home=self._home, base=self._base)

    def __repr__(self) -> str:
        return "HomeListing(…)"
