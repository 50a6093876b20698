"""The lines of a calendar object that matter, by component (RFC 5545, 3.1, 3.4, 3.6). The rest is not looked at."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from sync_worker.domain.quirks import TEXTS
from sync_worker.domain.values import Flaw

# Properties by name; each value is the rest of its line from the first ";" or ":" on.
Lines = dict[str, list[str]]

# Apple allows 20 MB an event with its attachments; without them, a series with thousands of overrides stays below this.
_CHARACTERS = 1_000_000
_EVENTS = 8000
_DEPTH = 8

_NAMES = (
    "BEGIN", "END", "UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE",
    "RECURRENCE-ID", "STATUS", "TRANSP", "ATTENDEE", "SEQUENCE", "X-APPLE-TRAVEL-DURATION", "X-CROCOCLICK-APPOINTMENT",
    "TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-LIC-LOCATION",
)  # fmt: skip
# Names of properties say the same in small letters (RFC 5545, 2); reading all texts so would take a quarter longer.
_SMALL_NAME = re.compile(r"\n[A-Z0-9-]*+[a-z]")
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^";:])*+)')


@dataclass(slots=True)
class Definition:
    """One VTIMEZONE: its own lines, and those of each STANDARD and DAYLIGHT in it."""

    lines: Lines = field(default_factory=dict)
    observances: list[Lines] = field(default_factory=list)


@dataclass(slots=True)
class Components:
    """What a text holds of use, in its order, and what is wrong with the text itself."""

    events: list[Lines] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


def scan(text: str, also: tuple[str, ...] = ()) -> Components:
    """Find the events and zone definitions of a calendar object; read as far as possible whatever is wrong.

    `also` are names of further properties to find.
    """
    found = Components()
    if len(text) > _CHARACTERS:
        found.flaws.append(Flaw.TOO_LARGE)
        text = text[:_CHARACTERS]
    for quirk in TEXTS:
        text = quirk(text)
    text = "\n" + text.replace("\n ", "").replace("\n\t", "")
    as_written, any_case = _patterns(also)
    if _SMALL_NAME.search(text):
        lines = [(name.upper(), rest) for name, rest in any_case.findall(text)]
    else:
        lines = as_written.findall(text)
    _sort_out(lines, found)
    if not found.events and not any(name == "BEGIN" and rest.upper() == ":VCALENDAR" for name, rest in lines):
        found.flaws.append(Flaw.NOT_A_CALENDAR)
    return found


def parameters(rest: str) -> tuple[dict[str, str], str]:
    """Split the rest of a property's line into its parameters (quotes taken off) and its value (RFC 5545, 3.2)."""
    found: dict[str, str] = {}
    at = 0
    while match := _PARAMETER.match(rest, at):
        found[match[1].upper()] = match[2].replace('"', "")
        at = match.end()
    return found, rest[at:].partition(":")[2]


@lru_cache
def _patterns(also: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Lines of the properties that matter, named in capitals, and named anyhow."""
    lines = rf"^({'|'.join((*_NAMES, *also))})[ \t]*([;:].*)$"
    return re.compile(lines, re.MULTILINE), re.compile(lines, re.MULTILINE | re.IGNORECASE)


def _sort_out(lines: list[tuple[str, str]], found: Components) -> None:
    open_components: list[str] = []
    current: Lines | None = None
    for name, rest in lines:
        if name == "BEGIN":
            component = rest[1:].strip().upper()
            if len(open_components) == _DEPTH:
                found.flaws.append(Flaw.TOO_DEEP)
                return
            if component == "VEVENT" and "VEVENT" in open_components:
                found.flaws.append(Flaw.TRUNCATED)
                del open_components[open_components.index("VEVENT") :]
            open_components.append(component)
            current = _opened(open_components, found)
            if len(found.events) > _EVENTS:
                found.flaws.append(Flaw.TOO_LARGE)
                del found.events[_EVENTS:]
                return
        elif name == "END":
            _close(rest[1:].strip().upper(), open_components, found)
            current = _resumed(open_components, found)
        elif current is not None:
            current.setdefault(name, []).append(rest)
    if open_components:
        found.flaws.append(Flaw.TRUNCATED)


def _close(component: str, path: list[str], found: Components) -> None:
    if path[-1:] != [component]:
        # A line that opened or closed something is lost, and with it, perhaps, whose lines these were.
        found.flaws.append(Flaw.TRUNCATED)
    if component in path:
        while path.pop() != component:
            continue


def _opened(path: list[str], found: Components) -> Lines | None:
    """Where the lines of the component just opened go; None for those that say nothing of time."""
    match path:
        case [*_, "VEVENT"]:
            found.events.append({})
            return found.events[-1]
        case [*_, "VTIMEZONE"]:
            found.definitions.append(Definition())
            return found.definitions[-1].lines
        case [*_, "VTIMEZONE", "STANDARD" | "DAYLIGHT"]:
            found.definitions[-1].observances.append({})
            return found.definitions[-1].observances[-1]
        case _:
            return None


def _resumed(path: list[str], found: Components) -> Lines | None:
    """Where lines go after a component inside (an alarm, say) has ended."""
    match path:
        case [*_, "VEVENT"]:
            return found.events[-1]
        case [*_, "VTIMEZONE"]:
            return found.definitions[-1].lines
        case _:
            return None
