"""Which zone a TZID means. A name that the world knows wins over the definition that the object brings along."""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from sync_worker.domain.budget import Budget, Refused
from sync_worker.domain.civil import DAY
from sync_worker.domain.quirks import ZONE_NAMES
from sync_worker.domain.recurrence import Window, walls
from sync_worker.domain.rules import read_rule
from sync_worker.domain.text import Definition, Lines
from sync_worker.domain.times import read_offset, read_time
from sync_worker.domain.values import Flaw
from sync_worker.domain.zones import LAST, UTC_ZONE, FixedZone, NamedZone, RuledZone, Zone

# Names that mean something else on each machine.
_LOCAL = frozenset({"localtime", "Factory", "posixrules"})
_OFFSET_NAME = re.compile(r"(?:GMT|UTC|Z)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)
# Outlook's display names of zones without a city in them.
_DISPLAY_NAMES = {
    "eastern time (us & canada)": "America/New_York",
    "central time (us & canada)": "America/Chicago",
    "mountain time (us & canada)": "America/Denver",
    "pacific time (us & canada)": "America/Los_Angeles",
    "atlantic time (canada)": "America/Halifax",
    "coordinated universal time": "UTC",
}
_DISPLAY_NAME = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*(.+)", re.IGNORECASE)
_UTC_NAMES = frozenset({"utc", "z", "gmt", "etc/utc"})
_LAST_OFFSET_HOUR = 15
_NAME_LENGTH = 200
# An object has a handful of zones; hundreds are an attack.
_COST_OF_A_NAME = 1000
# Onsets are computed from here: what happened earlier moves nothing that can still be booked.
_RULES_FROM = 0


class Zones:
    """The zones of one calendar object."""

    def __init__(self, definitions: list[Definition], until: int, budget: Budget) -> None:
        """`until` is the wall time after which onsets are not needed."""
        self._definitions = {_bare(name[1:]): one for one in definitions for name in one.lines.get("TZID", ())[:1]}
        self._until = until
        self._budget = budget
        self._found: dict[str, Zone | Flaw] = {}

    def named(self, tzid: str) -> Zone:
        """Raise `Refused` when nobody knows the name, or its definition cannot be read."""
        if tzid not in self._found:
            self._found[tzid] = self._find(tzid)
        zone = self._found[tzid]
        if isinstance(zone, Flaw):
            raise Refused(zone)
        return zone

    def _find(self, tzid: str) -> Zone | Flaw:
        """Tell why not, too: an unknown name may stand in every event of a long series."""
        try:
            self._budget.spend(_COST_OF_A_NAME)
            return zone_of_name(tzid) or self._by_definition(tzid) or _guess(tzid) or Flaw.ZONE_UNKNOWN
        except Refused as refused:
            return refused.flaw

    def _by_definition(self, tzid: str) -> Zone | None:
        definition = self._definitions.get(_bare(tzid))
        if definition is None:
            return None
        for location in definition.lines.get("X-LIC-LOCATION", ())[:1]:
            if zone := zone_of_name(location[1:]):
                return zone
        return defined_zone(definition.observances, self._until, self._budget)


def _bare(tzid: str) -> str:
    """The name without what servers leave around it on one of the two lines that have it."""
    return tzid.strip("\"' \t")


def zone_of_name(tzid: str) -> Zone | None:
    """Find a zone of the IANA database or of Windows, also where a quirk of `ZONE_NAMES` mangled its name."""
    return remembered_zone(tzid) if len(tzid) <= _NAME_LENGTH else None


@lru_cache(maxsize=2048)
def remembered_zone(tzid: str) -> Zone | None:
    """`zone_of_name` of what is short enough to be remembered: thousands of long ones would fill the memory."""
    if zone := _listed(tzid):
        return zone
    candidates = [tzid]
    for quirk in ZONE_NAMES:
        for name in [name for candidate in candidates for name in quirk(candidate)]:
            if zone := _listed(name):
                return zone
            candidates.append(name)
    return None


def _listed(name: str) -> Zone | None:
    folded = name.casefold()
    if folded in _UTC_NAMES:
        return UTC_ZONE
    key = _names().get(folded)
    return None if key is None else zone_of_key(key)


@lru_cache(maxsize=1024)
def zone_of_key(key: str) -> NamedZone:
    """One zone of the IANA database."""
    return NamedZone(ZoneInfo(key))


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    known = available_timezones() - _LOCAL
    names = {name.casefold(): key for name, key in WINDOWS_TO_OLSON.items() if key in known}
    return names | {key.casefold(): key for key in known}


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    keys = [key for key in sorted(_names().values()) if key.startswith(regions)]
    return {key.rpartition("/")[2].replace("_", " ").casefold(): key for key in keys}


def _guess(tzid: str) -> Zone | None:
    """Take a zone from an offset (`GMT+0100`: east positive, as Apple writes it) or the cities of a display name."""
    name = _bare(tzid[:_NAME_LENGTH])
    if match := _OFFSET_NAME.fullmatch(name):
        hours = int(match[2])
        offset = hours * 3600 + int(match[3] or 0) * 60
        return FixedZone(-offset if match[1] == "-" else offset) if hours < _LAST_OFFSET_HOUR else None
    if match := _DISPLAY_NAME.fullmatch(name):
        if key := _DISPLAY_NAMES.get(match[1].casefold()):
            return zone_of_key(key)
        for city in match[1].casefold().split(","):
            if key := _cities().get(city.strip()):
                return zone_of_key(key)
    return None


def defined_zone(observances: list[Lines], until: int, budget: Budget) -> Zone:
    """Build a zone from the STANDARD and DAYLIGHT parts of a VTIMEZONE (RFC 5545, 3.6.5). Raise `Refused`."""
    changes: dict[int, int] = {}
    befores: list[tuple[int, int]] = []
    for lines in observances:
        try:
            before, after = read_offset(lines["TZOFFSETFROM"][0][1:]), read_offset(lines["TZOFFSETTO"][0][1:])
            onsets = _onsets(lines, before, until, budget)
        except (KeyError, Refused) as error:
            if isinstance(error, Refused) and error.flaw is Flaw.TOO_MUCH_WORK:
                raise
            raise Refused(Flaw.ZONE_MALFORMED) from error
        changes |= dict.fromkeys(onsets, after)
        befores.append((min(onsets, default=LAST), before))
    if not befores:
        raise Refused(Flaw.ZONE_MALFORMED)
    return RuledZone(min(befores)[1], sorted(changes.items()))


def _onsets(lines: Lines, before: int, until: int, budget: Budget) -> list[int]:
    """Return the instants at which one observance begins: its DTSTART, and what its RRULEs and RDATEs add."""
    start = read_time(lines["DTSTART"][0].rpartition(":")[2]).wall
    onsets = {start}
    for rest in lines.get("RDATE", ()):
        onsets.update(read_time(value.partition("/")[0]).wall for value in rest.rpartition(":")[2].split(","))
    for rest in lines.get("RRULE", ()):
        rule = read_rule(rest[1:])
        last = until
        if rule.until:
            ends = rule.until.wall + (DAY - 1 if rule.until.is_date else 0)
            last = min(last, ends + before if rule.until.is_utc else ends)
        onsets.update(walls(rule, start, Window(_RULES_FROM, last), budget))
    budget.spend(len(onsets))
    return [onset - before for onset in onsets]
