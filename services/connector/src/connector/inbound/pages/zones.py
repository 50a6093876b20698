"""Time zones: a short list to choose from, and any other by its name or a city of it.

All four hundred of them would be half of a page's weight. What places are called in a language is in its catalogue.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from connector.domain.timezones import time_zones
from connector.inbound.pages.catalogue import Words, read_catalogues

OTHER: Final = "other"
"""What the list says when the field beside it holds the zone."""
_SHORT: Final = (
    *("Europe/Paris", "Europe/Brussels", "Europe/Luxembourg", "Europe/Zurich", "Europe/Monaco"),
    *("Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Madrid", "Europe/Rome", "Europe/Berlin"),
    *("Europe/Amsterdam", "Europe/Vienna", "Europe/Warsaw", "Europe/Athens", "Europe/Helsinki"),
    *("America/Guadeloupe", "America/Martinique", "America/Cayenne", "America/Miquelon", "Indian/Reunion"),
    *("Indian/Mayotte", "Pacific/Noumea", "Pacific/Tahiti"),
    *("America/New_York", "America/Toronto", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("Africa/Casablanca", "Africa/Algiers", "Africa/Tunis", "Africa/Dakar", "Africa/Abidjan"),
    *("Asia/Dubai", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney"),
)
"""France first, overseas too, then where French or English is spoken and our neighbours are."""
_SPELT: Final[Mapping[str, str]] = {"America/Montreal": "Montréal", "Pacific/Noumea": "Nouméa"}
"""Places whose zones' names lack an accent, the same in both languages."""
_DEFAULT: Final[Mapping[str, str]] = {"fr": "FR"}
"""The country of those whose browser names a language alone. English is spoken in too many."""
_LONGEST: Final = 64
"""Characters; no zone's name has more, and nothing longer is written back into the form."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone by its IANA name, and the place that it is named for."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class ZoneField:
    """How the form shows the choice. `guessing`: nobody has chosen yet, so the browser may know better."""

    zones: Sequence[Zone]
    chosen: str
    typed: str
    guessing: bool


def zone_field(chosen: str | None, words: Words, *, guessing: bool = False) -> ZoneField:
    """The short list, `chosen` among it; what is no zone stands in the other field, to be mended."""
    known = chosen is not None and chosen in time_zones()
    extra = [chosen] if chosen and known and chosen not in _SHORT else []
    zones = [Zone(name, place(name, words)) for name in (*extra, *_SHORT)]
    if chosen and not known:
        return ZoneField(zones, OTHER, typed(chosen), guessing)
    return ZoneField(zones, chosen or "", "", guessing)


def meant(listed: str, typed: str) -> str:
    """The zone that a form names: by the list, else by the field beside it, where a city is enough.

    So is what the list shows, in either language. What names none, or several, comes back as it is, cut; the empty
    string if nothing was said.
    """
    if listed != OTHER:
        return listed[:_LONGEST]
    said = typed.strip()[:_LONGEST]
    # Not the name first: `Singapore`, as the list has it, is another name of Asia/Singapore.
    return _by_place().get(_plain(said), said or OTHER)


def typed(meant: str) -> str:
    """What somebody said of their zone, of what `meant` gave back; the empty string if nothing."""
    return "" if meant == OTHER else meant


def guessed(accept_language: str) -> str | None:
    """The zone of the first language in an Accept-Language header, where its country has only one."""
    tag = accept_language.partition(",")[0].partition(";")[0].strip()
    language, _, country = tag.partition("-")
    zones = _by_country().get(country.upper() or _DEFAULT.get(language.lower(), ""), ())
    return zones[0] if len(zones) == 1 else None


def place(name: str, words: Words) -> str:
    """What a zone is called on the pages: the place that it is named for."""
    said = words.texts.get(f"zone.{name}") or _SPELT.get(name)
    return said or name.partition("/")[2].replace("_", " ").replace("/", ", ") or name


@cache
def known() -> str:
    """All that may be typed, as `_plain` leaves it, one a line: the pages' script refuses what is not among it."""
    return "\n".join(sorted({*map(_plain, time_zones()), *_by_place()}))


def _plain(said: str) -> str:
    """As it is typed by somebody in a hurry: without accents, capitals, hyphens."""
    letters = unicodedata.normalize("NFKD", said.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


@cache
def _by_place() -> Mapping[str, str]:
    """By what a zone may be called; of several the one that people choose from, and none where they differ."""
    chosen = {zone for zones in _by_country().values() for zone in zones}
    several, called = tuple(read_catalogues().values()), dict[str, list[str]]()
    for name in sorted(time_zones(), key=lambda name: (name in chosen, name)):
        for said in {_plain(one) for one in _calls(name, several)}:
            called.setdefault(said, []).append(name)
    return {said: names[-1] for said, names in called.items() if names[-1] in chosen or _are_one(names)}


def _calls(name: str, several: Sequence[Words]) -> Iterator[str]:
    """Its name, the last part of that, and what the list shows in each language."""
    yield from (name, name.rpartition("/")[2])
    yield from (place(name, words) for words in several)


def _are_one(names: Sequence[str]) -> bool:
    """Whether they are names of the same zone. `GMT+5` is of two, ten hours apart."""
    return len(names) == 1 or len({_content(name) for name in names}) == 1


def _content(name: str) -> bytes:
    """What tz says of it; of a name that the machine alone knows nothing but that."""
    file = (files("tzdata") / "zoneinfo").joinpath(*name.split("/"))
    return file.read_bytes() if file.is_file() else name.encode()


@cache
def _by_country() -> Mapping[str, Sequence[str]]:
    """From tz's own table of zones that people choose from: country, coordinates, name, remark."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            found.setdefault(country, []).append(name)
    return found
