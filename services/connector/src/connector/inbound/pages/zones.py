"""Time zones to choose from, by region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_DEFAULT: Final[Mapping[str, str]] = {"fr": "FR"}
"""The country of those whose browser names a language alone. English is spoken in too many."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone by its IANA name, and the place that it is named for."""

    name: str
    place: str


def choices() -> Mapping[str, Sequence[Zone]]:
    """Every zone of a country, by region, in the order of their places."""
    return _choices()


def is_listed(name: str | None) -> bool:
    """Whether the choices hold this name; browsers send older ones, too."""
    return any(zone.name == name for zones in _choices().values() for zone in zones)


def guessed(accept_language: str) -> str | None:
    """The zone of the first language in an Accept-Language header, where its country has only one."""
    tag = accept_language.partition(",")[0].partition(";")[0].strip()
    language, _, country = tag.partition("-")
    zones = _by_country().get(country.upper() or _DEFAULT.get(language.lower(), ""), ())
    return zones[0] if len(zones) == 1 else None


@cache
def _choices() -> Mapping[str, Sequence[Zone]]:
    regions: dict[str, list[Zone]] = {}
    for name in sorted({zone for zones in _by_country().values() for zone in zones}):
        region, _, place = name.partition("/")
        regions.setdefault(region, []).append(Zone(name, place.replace("_", " ").replace("/", ", ")))
    return regions


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
