"""Whatever an appointment says and whatever takes its time: Kafka takes what is told of it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from services.availability.tests.examples import NOW

from availability.domain.appointments import Act, Agreed, Announcement, announcement, booked
from availability.domain.busy import CONFLICTS, Entry, EntryKind, Known, blocking, joined, parts
from availability.domain.intervals import LATEST_TAKEN, LONGEST_WINDOW_DAYS, Span, merged
from availability.domain.users import User
from availability.inbound.http.bodies import AppointmentChange, NewAppointment
from availability.outbound.kafka import records_of
from contracts.topics import APPOINTMENTS
from runtime.kafka.publisher import LARGEST_RECORD, RawRecord

KAFKAS_OWN_BOUND = 1_048_588
QUARTER = (LATEST_TAKEN - LONGEST_WINDOW_DAYS * 86_400, LATEST_TAKEN)
LONGEST_ID = "i" * 128
BEFORE = (QUARTER[0] - 60, QUARTER[0])
ACT = Act(NOW, "user-1")
WORDS = ("title", "location", "notes")

gaps_and_lengths = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=40)


def spans_of(pairs: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Sorted spans; those without a gap between them touch, and are merged."""
    spans: list[Span] = []
    at = 0
    for gap, length in pairs:
        spans.append((at + gap, at + gap + length))
        at += gap + length
    return merged(spans)


@given(gaps_and_lengths, st.integers(1, 10))
def test_joined_spans_are_few_and_cover_all(pairs: Sequence[tuple[int, int]], most: int) -> None:
    spans = spans_of(pairs)

    few = joined(spans, most)

    assert len(few) == min(most, len(spans))
    assert all(any(start <= first and last <= end for start, end in few) for first, last in spans)
    assert all(before[1] < after[0] for before, after in pairwise(few))
    assert {start for start, _ in few} <= {start for start, _ in spans}
    assert {end for _, end in few} <= {end for _, end in spans}
    assert few == spans or len(spans) > most


@given(gaps_and_lengths, st.integers(1, 10))
def test_they_are_joined_where_the_least_time_lies_between_them(pairs: Sequence[tuple[int, int]], most: int) -> None:
    spans = spans_of(pairs)

    few = joined(spans, most)

    gaps = sorted((after[0] - before[1] for before, after in pairwise(spans)), reverse=True)
    assert sorted((after[0] - before[1] for before, after in pairwise(few)), reverse=True) == gaps[: most - 1]


def test_of_a_quarter_of_a_year_full_of_minutes_few_conflicts_are_told() -> None:
    minutes = [(start, start + 60) for start in range(*QUARTER, 120)]
    known = Known(entries=tuple(Entry(EntryKind.BLOCKED_SLOT, "off", minute) for minute in minutes))

    found = parts(blocking(known, but="apt-1"), QUARTER)

    assert len(minutes) > 40_000
    assert len(found) == CONFLICTS
    assert (found[0][0], found[-1][1]) == (minutes[0][0], minutes[-1][1])


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600", "\x01", '"', "\\"])
def test_the_longest_words_and_conflicts_fit_a_record(letter: str) -> None:
    several = life_of(Agreed(QUARTER, **longest_words(letter)))

    sizes = [size_of(one) for one in several]

    assert max(sizes) < 80_000
    assert LARGEST_RECORD < KAFKAS_OWN_BOUND
    assert "max.message.bytes" not in APPOINTMENTS.config


def test_what_is_changed_is_bounded_as_what_is_booked() -> None:
    bounds = [[bound_of(model, word) for word in WORDS] for model in (NewAppointment, AppointmentChange)]

    assert bounds[0] == bounds[1]


def bound_of(model: type[BaseModel], word: str) -> int:
    """How many letters are let in over HTTP."""
    schema = model.model_json_schema()["properties"][word]
    return next(int(place["maxLength"]) for place in (schema, *schema.get("anyOf", ())) if "maxLength" in place)


def longest_words(letter: str) -> dict[str, str]:
    words = {word: letter * bound_of(NewAppointment, word) for word in WORDS}
    wish = {"user_id": LONGEST_ID, "start": "2026-03-02T14:00:00Z", "end": "2026-03-02T15:00:00Z"}
    NewAppointment.model_validate(wish | words)
    return words


def life_of(agreed: Agreed) -> list[Announcement]:
    """One announcement of each kind, each as large as it can be."""
    user = User(LONGEST_ID, LONGEST_ID)
    first = booked(LONGEST_ID, user, agreed, ACT)
    moved = booked(LONGEST_ID, user, Agreed(BEFORE, "Coupe"), ACT).with_agreed(agreed, ACT)
    taken = moved.in_conflict(tuple((second, second + 60) for second in range(*QUARTER, 39_740)), NOW)
    assert len(taken.conflicts) in range(CONFLICTS, CONFLICTS + 10)
    return [announcement(one, LONGEST_ID) for one in (first, moved, taken, taken.cancelled(ACT))]


def size_of(one: Announcement) -> int:
    (record,) = records_of([one])
    return RawRecord(record.topic, record.key.encode(), record.value, record.headers, 0).size
