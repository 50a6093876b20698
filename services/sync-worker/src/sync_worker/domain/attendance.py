"""Whether the user has declined: which attendees are the user, and what they answered (RFC 5545, 3.2.12, 3.8.4.1)."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from sync_worker.domain.text import parameters

_HOST = re.compile(r"https?://[^/]*")


def declined(attendees: Iterable[str], addresses: Iterable[str]) -> bool:
    """Whether the user is among the attendees and has declined under each address that is invited.

    `attendees` are the rests of ATTENDEE lines, `addresses` the user's own.
    """
    if not any("DECLINED" in rest.upper() for rest in attendees):
        return False
    own = {calendar_user(address) for address in addresses} - {""}
    mine = []
    for rest in attendees:
        given, value = parameters(rest)
        if {calendar_user(value), calendar_user(given.get("EMAIL", ""))} & own:
            mine.append(given.get("PARTSTAT", "").strip().upper())
    return bool(mine) and all(answer == "DECLINED" for answer in mine)


def calendar_user(address: str) -> str:
    """Write a calendar user address so that all that name the same user are the same.

    They come as `mailto:`, as `urn:uuid:` (`urn:x-uid:` from Apple's server), or as a principal's URL or path.
    """
    plain = unquote(address.strip()).strip().lower().removeprefix("mailto:").strip()
    if plain.startswith("urn:x-uid:"):
        return "urn:uuid:" + plain.removeprefix("urn:x-uid:")
    return _HOST.sub("", plain, count=1).rstrip("/") if plain.startswith(("/", "http:", "https:")) else plain
