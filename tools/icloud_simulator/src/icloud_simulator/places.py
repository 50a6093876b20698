"""What a path points to."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

_PATH = re.compile(r"/(?P<dsid>\d+)/(?:(?P<principal>principal)/|calendars/(?:(?P<child>[^/]+)/(?P<name>[^/]+)?)?)")


class What(Enum):
    """Kinds of resources."""

    ROOT = auto()
    PRINCIPAL = auto()
    HOME = auto()
    CHILD = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """A resource by its path, its parts decoded: a name may hold a slash, as `%2F` stands for no other place.

    Empty strings where a part does not apply. `dsid` is empty for one's own.
    """

    what: What
    dsid: str = ""
    child: str = ""
    name: str = ""


def place(path: str) -> Place | None:
    """Read a path as it came over the wire. Collections need their trailing slash, as at Apple's."""
    if path == "/":
        return Place(What.ROOT)
    if path == "/principal/":
        return Place(What.PRINCIPAL)
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    dsid, principal, child, name = match.group("dsid", "principal", "child", "name")
    if principal:
        return Place(What.PRINCIPAL, dsid)
    if child is None:
        return Place(What.HOME, dsid)
    return Place(What.OBJECT if name else What.CHILD, dsid, unquote(child), unquote(name or ""))
