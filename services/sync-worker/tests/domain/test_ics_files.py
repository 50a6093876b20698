"""Each file in ics/ is a case: what it must read as stands in it.

`X-EXPECT:start/end facts` for each occurrence, `X-EXPECT-UNREADABLE:reason`, and `X-WHY` for people. Read over 2026 (to
5 February 2027), in Paris, for Marie, whose only appointment is 4711, on 5 January from ten to eleven. A bug report
costs one such file.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync_worker.domain import lengths, names, quirks, rules, series, text, times, zone_names
from sync_worker.domain.occurrences import read_object
from sync_worker.domain.values import FactGroup, Span, Unreadable

FILES = sorted((Path(__file__).parent / "ics").glob("*.ics"))
HORIZON = Span(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2027, 2, 5, tzinfo=UTC).timestamp()))
MARIE = frozenset(
    {"marie@icloud.com", "marie@example.org", "/20451177/principal/", "urn:uuid:6f1c3e1a-5a0b-4e0c-9f6a-2b8b6f0a0c11"}
)
APPOINTMENTS = {
    "4711": Span(
        int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()), int(datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp())
    )
}
FLAGS = ("cancelled", "declined", "transparent", "tentative", "own_appointment", "all_day")
# Where the quirks of each kind are applied.
TUPLES: list[tuple[object, str, Sequence[Callable[..., object]]]] = [
    (text, "TEXTS", quirks.TEXTS),
    (times, "TIMES", quirks.TIMES),
    (quirks, "RULES", quirks.RULES),
    (zone_names, "ZONE_NAMES", quirks.ZONE_NAMES),
    (lengths, "ENDS", quirks.ENDS),
]


def written(groups: Sequence[FactGroup]) -> list[str]:
    lines = []
    for group in groups:
        facts = [flag for flag in FLAGS if getattr(group.facts, flag)]
        facts += [f"travel={group.facts.travel_seconds}"] if group.facts.travel_seconds else []
        for start, end in group.spans:
            span = "/".join(f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}" for at in (start, end))
            lines.append(" ".join([f"X-EXPECT:{span}", *facts]))
    return sorted(lines)


def as_read(case: str) -> list[str]:
    try:
        read = read_object(case, horizon=HORIZON, zone=ZoneInfo("Europe/Paris"), addresses=MARIE, own=APPOINTMENTS)
    except Unreadable as unreadable:
        return [f"X-EXPECT-UNREADABLE:{unreadable.reason}", *written(unreadable.groups)]
    return written(read.groups)


def as_expected(case: str) -> list[str]:
    lines = case.replace("&#13;", "").replace("\0", "").replace("\r", "\n").split("\n")
    return sorted(line for line in lines if line.startswith("X-EXPECT"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_file_reads_as_it_says(file: Path) -> None:
    case = file.read_bytes().decode()

    assert sorted(as_read(case)) == as_expected(case)


@pytest.mark.parametrize(
    ("place", "kind", "quirk"),
    [(place, kind, quirk) for place, kind, together in TUPLES for quirk in together],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_each_quirk_has_a_witness_that_reads_wrong_without_it(
    place: object, kind: str, quirk: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = (Path(__file__).parent / "ics" / f"{quirk.__name__}.ics").read_bytes().decode()
    zone_names.remembered_zone.cache_clear()

    monkeypatch.setattr(place, kind, tuple(one for one in getattr(quirks, kind) if one is not quirk))

    assert sorted(as_read(case)) != as_expected(case)
    zone_names.remembered_zone.cache_clear()


@pytest.mark.parametrize(
    ("place", "name"),
    [(series, "day_meant"), (names, "day_meant"), (names, "until_meant"), (names, "second_pass")],
    ids=["exceptions", "instances", "ends", "folds"],
)
def test_times_of_another_kind_have_a_witness(place: object, name: str) -> None:
    assert getattr(place, name) is getattr(quirks, name)
    assert name in {file.stem for file in FILES}


def test_rules_are_repaired_by_all_their_quirks() -> None:
    assert rules.read_rule(" freq=weekly; count=-5;").count is None
