"""CrocoClick's own appointments, as the linked calendar is to show them."""

import json
import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from sync_worker.domain.values import Span
from sync_worker.domain.zones import FIRST, LAST

OWN_UID: Final = "crococlick-"
"""What the UID of every object of ours begins with, and so its name."""
MARKER: Final = "X-CROCOCLICK-APPOINTMENT"
PRINT: Final = "X-CROCOCLICK-PRINT"
"""The fingerprint of what we wrote: it tells our writing from the user's without our having to remember it."""

_TITLE_CHARACTERS: Final = 1_000
_NOTES_CHARACTERS: Final = 10_000
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NO_XML: Final = re.compile("[\ufffe\uffff]")
"""CalDAV puts calendars into XML, which may hold any other character that is neither control nor surrogate (XML 1.0,
2.2): one of these makes the whole answer unreadable, for us and for every device."""
_CR_TWICE_ESCAPED: Final = "&#13;"
"""What servers make of CR, and what readers therefore drop."""
_PLAIN: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Agreed:
    """When an appointment takes place, and in what words. Both begin and end at full seconds, and it takes time.

    Words are as a calendar can hold them: no control characters but line ends, no blanks around them, not endless.
    """

    span: Span
    title: str = field(repr=False)
    location: str = field(default="", repr=False)
    notes: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not FIRST < self.span.start < self.span.end < LAST:
            raise ValueError("an appointment takes time, and in our days")

    @property
    def fingerprint(self) -> str:
        """Equal for two that say the same."""
        said = (self.span.start, self.span.end, self.title, self.location, self.notes)
        return sha256(json.dumps(said).encode()).hexdigest()[:32]


def agreed(span: Span, title: str, location: str | None = None, notes: str | None = None) -> Agreed:
    """What was agreed on, in a calendar's words. Raises ValueError for a time that no appointment can have."""
    return Agreed(
        span, words(title, _TITLE_CHARACTERS), words(location, _TITLE_CHARACTERS), words(notes, _NOTES_CHARACTERS)
    )


def words(text: str | None, characters: int = _NOTES_CHARACTERS) -> str:
    """Text that every calendar can hold; only what nobody can see is lost, and what is beyond so many characters."""
    lines = _LINE_ENDS.sub("\n", text or "")
    seen = "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cs"})
    seen = _NO_XML.sub("", seen)
    # Last, for what is dropped may have stood inside of it.
    while _CR_TWICE_ESCAPED in seen:
        seen = seen.replace(_CR_TWICE_ESCAPED, "")
    return seen.strip()[:characters].rstrip()


def uid_of(appointment_id: str, path: str) -> str:
    """The UID of an appointment's object in the calendar at `path`; the object's name is the UID with `.ics`.

    The same for ever, for whoever writes it. Another one in another calendar: iCloud takes a UID only once in an
    account, so that an appointment could not be in the new calendar before it has left the old one.
    """
    return f"{OWN_UID}{name_of(appointment_id)}-{_digits(path, 8)}"


def name_of(appointment_id: str) -> str:
    """What an appointment is called in the UIDs of its objects."""
    return appointment_id if _PLAIN.fullmatch(appointment_id) else _digits(appointment_id, 32)


def names_in(uid: str, marker: str) -> tuple[str, str]:
    """What the appointments are called that a UID and a marker speak of; anybody's, and either may be none at all."""
    return uid.removeprefix(OWN_UID).rpartition("-")[0] if uid.startswith(OWN_UID) else "", name_of(marker)


def is_marked(text: str) -> bool:
    """Whether a calendar object may be of ours, or of another user's of ours."""
    return OWN_UID in text or MARKER in text.upper()


def uid_in(href: str) -> str:
    """The UID of the object of ours that bears this name, wherever the user may have moved it."""
    return href.rpartition("/")[2].removesuffix(".ics")


def is_own(href: str) -> bool:
    """Whether an object bears a name of ours."""
    return href.rpartition("/")[2].startswith(OWN_UID)


def lies_where_we_put_it(href: str) -> bool:
    """Whether an object bears the name that we give it in that very calendar.

    What another user of ours has written into a calendar that both see was named after their own path to it.
    """
    path, _, _ = href.rpartition("/")
    return is_own(href) and uid_in(href).endswith(f"-{_digits(f'{path}/', 8)}")


def _digits(name: str, count: int) -> str:
    return sha256(name.encode()).hexdigest()[:count]
