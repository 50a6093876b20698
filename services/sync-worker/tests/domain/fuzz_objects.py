"""Reads calendar objects that a fuzzer makes up. Run as a program: libFuzzer ends its process.

python fuzz_objects.py [arguments of libFuzzer]
"""

import sys
from zoneinfo import ZoneInfo

import atheris  # type: ignore[import-untyped]  # it has no types

with atheris.instrument_imports(include=["sync_worker.domain"]):
    from sync_worker.domain.occurrences import read_object
    from sync_worker.domain.values import FactGroup, Facts, ImportedObject, Span, Unreadable
    from sync_worker.domain.zones import FIRST, LAST

HORIZON = Span(1_767_225_600, 1_767_225_600 + 401 * 86_400)  # from 2026-01-01
CUT = HORIZON.start + 1_234_567
ZONES = [ZoneInfo(key) for key in ("Europe/Paris", "Africa/Cairo", "Australia/Lord_Howe")]
ME = frozenset({"marie@icloud.com", "/20451177/principal/"})


def reading(data: bytes) -> None:
    """Whatever text comes is read or refused, in order, and the same in two halves of the horizon."""
    zone = ZONES[len(data) % len(ZONES)]
    text = data.decode(errors="replace")
    whole = read(text, HORIZON, zone)
    if isinstance(whole, ImportedObject):
        halves = [read(text, Span(HORIZON.start, CUT), zone), read(text, Span(CUT, HORIZON.end), zone)]
        assert all(isinstance(half, ImportedObject) for half in halves)
        assert pairs(*halves) == pairs(whole)


def read(text: str, horizon: Span, zone: ZoneInfo) -> ImportedObject | Unreadable:
    told: ImportedObject | Unreadable
    try:
        told = read_object(text, horizon=horizon, zone=zone, addresses=ME)
    except Unreadable as unreadable:
        told = unreadable
    facts = [group.facts for group in told.groups]
    assert facts == sorted(set(facts))
    for group in told.groups:
        in_order(group, horizon)
    return told


def in_order(group: FactGroup, horizon: Span) -> None:
    assert list(group.spans) == sorted(set(group.spans)) != []
    for start, end in group.spans:
        assert FIRST <= start <= end <= LAST
        assert horizon.touches(start, end)


def pairs(*told: ImportedObject | Unreadable) -> set[tuple[Facts, tuple[int, int]]]:
    return {(group.facts, span) for one in told for group in one.groups for span in group.spans}


if __name__ == "__main__":
    atheris.Setup(sys.argv, reading)
    atheris.Fuzz()
