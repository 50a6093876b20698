"""An object of ours as it is found in iCloud: what it says by now, and whether it is still what we wrote."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sync_worker.domain.appointments import PRINT, agreed
from sync_worker.domain.budget import Budget
from sync_worker.domain.events import Event, EventReading
from sync_worker.domain.series import span_of
from sync_worker.domain.text import Lines, parameters, scan
from sync_worker.domain.values import Span
from sync_worker.domain.zone_names import Zones
from sync_worker.domain.zones import NamedZone

_STEPS: Final = 50_000
"""What zones that the object defines itself may cost: a sixth of what an imported one may."""
_ZONES_UNTIL: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
WORDS: Final = ("LOCATION", "DESCRIPTION", PRINT, "ORGANIZER")
"""The properties to scan for besides the usual ones."""
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")


@dataclass(frozen=True, slots=True)
class Found:
    """What an object says. `says` is empty for what we would never write: a series, a day, guests."""

    etag: str
    uid: str
    span: Span | None
    """Its time, of a series that of the first."""
    says: str = ""
    """The fingerprint of what it says."""
    wrote: str = ""
    """The fingerprint of what we last wrote there, as far as it bears it."""


def found(etag: str, text: str, zone: ZoneInfo) -> Found:
    """Read an object, whatever it is; times without zone are in that of the connection."""
    components = scan(text, also=WORDS)
    home = NamedZone(zone)
    reading = EventReading(Zones(components.definitions, _ZONES_UNTIL, Budget(_STEPS)), home, frozenset())
    read = [(lines, event) for lines in components.events if (event := reading.event(lines)) is not None]
    if not read:
        return Found(etag, "", None)
    lines, event = next(((lines, event) for lines, event in read if event.replaces is None), read[0])
    span = Span(*span_of(event))
    alone = len(components.events) == 1 and not components.flaws and not reading.flaws
    return Found(etag, event.uid, span, _says(lines, event) if alone else "", _value(lines, PRINT))


def is_as_we_wrote(lines: Lines, event: Event) -> bool:
    """Whether the only event of an object says what we last wrote there, and nothing else."""
    says = _says(lines, event)
    return bool(says) and says == _value(lines, PRINT)


def _plain(event: Event, lines: Lines) -> bool:
    """Whether it is one event of some time that blocks, and nothing of the user's would be lost by writing over it.

    Servers tell guests that they are no longer invited when an object comes without them (RFC 6638, 3.2.1).
    """
    facts = event.facts
    again = event.rules or event.dates or event.replaces is not None
    theirs = "ATTENDEE" in lines or "ORGANIZER" in lines or facts.travel_seconds
    return not (again or theirs or facts.all_day or facts.cancelled or facts.transparent or facts.tentative)


def _says(lines: Lines, event: Event) -> str:
    if not _plain(event, lines):
        return ""
    words = (text_in(lines, name) for name in ("SUMMARY", "LOCATION", "DESCRIPTION"))
    try:
        return agreed(Span(*span_of(event)), *words).fingerprint
    except ValueError:
        return ""


def text_in(lines: Lines, name: str) -> str:
    """A property's value, unescaped; empty where there is none."""
    return _ESCAPED.sub(lambda escaped: escaped[1].replace("n", "\n").replace("N", "\n"), _value(lines, name))


def _value(lines: Lines, name: str) -> str:
    return parameters(lines[name][0])[1] if name in lines else ""
