"""Whatever availability lets a user book, the worker takes in and can write: neither knows the other's bounds."""

from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from availability.domain.appointments import Act, Agreed, announcement, booked
from availability.domain.intervals import EARLIEST, LATEST, LATEST_TAKEN, LONGEST_WINDOW_DAYS
from availability.domain.users import User
from availability.inbound.http.bodies import Location, Notes, Title
from availability.inbound.http.moments import bookable
from availability.outbound.kafka import event_of
from contracts.events import AppointmentBooked
from contracts.wire import decode, encode
from runtime.clock import system_clock
from runtime.http import Problem
from sync_worker.application.track_appointments import TrackAppointments, Wanted
from sync_worker.domain.appointment_text import Issue, Manner, text_of

DAY: Final = 24 * 60 * 60
LONGEST: Final = LONGEST_WINDOW_DAYS * DAY
NOW: Final = system_clock()
# The farthest from UTC on either side, and those that change their clocks.
ZONES: Final = ("Pacific/Kiritimati", "Pacific/Niue", "Africa/Casablanca", "America/New_York", "Europe/Paris", "UTC")
TITLE, LOCATION, NOTES = TypeAdapter(Title), TypeAdapter(Location | None), TypeAdapter(Notes | None)

texts = st.text(st.characters(exclude_categories=()), max_size=40)
starts = st.integers(EARLIEST - DAY, LATEST_TAKEN + DAY) | st.integers(LATEST - 800 * DAY, LATEST + DAY)
spans = st.builds(lambda start, length: (start, start + length), starts, st.integers(-1, LONGEST + 1))


class Kept:
    """What the worker would keep."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []

    async def want(self, wanted: Wanted, now: object) -> bool:
        del now
        self.wanted.append(wanted)
        return True


def accepted(span: tuple[int, int], title: str, location: str | None, notes: str | None) -> Agreed | None:
    """As the interface does; None where it refuses."""
    try:
        words = (TITLE.validate_python(title), LOCATION.validate_python(location), NOTES.validate_python(notes))
        return Agreed(bookable(span), *words)
    except (Problem, ValidationError):
        return None


def announced(agreed: Agreed) -> AppointmentBooked:
    """What the worker reads from Kafka of it."""
    appointment = booked("0f5b3c1e9a7d4b62a1c08d4e5f6a7b8c", User("acc-1", "usr-1"), agreed, Act(NOW, "usr-1"))
    record = encode(event_of(announcement(appointment, None)), source="availability", time=NOW)
    event = decode(record.topic, record.key.encode(), record.headers, record.value)
    assert isinstance(event, AppointmentBooked)
    return event


@settings(max_examples=150)
@given(span=spans, title=texts, location=st.none() | texts, notes=st.none() | texts, zone=st.sampled_from(ZONES))
@example((EARLIEST, EARLIEST + 1), "x", None, None, "Pacific/Niue")
@example((LATEST_TAKEN - LONGEST, LATEST_TAKEN), "x", None, None, "Pacific/Kiritimati")
@example((LATEST - 365 * DAY, LATEST - 364 * DAY), "x", None, None, "UTC")
@example((LATEST - 1, LATEST), "x", None, None, "UTC")
@example((0, 60), "\uffff", "\x00", "\ufffe", "UTC")
async def test_whatever_can_be_booked_can_be_exported(
    span: tuple[int, int], title: str, location: str | None, notes: str | None, zone: str
) -> None:
    agreed = accepted(span, title, location, notes)
    if agreed is None:
        return
    kept = Kept()

    assert await TrackAppointments(kept, lambda: NOW)(announced(agreed))

    (wanted,) = kept.wanted
    assert wanted.agreed is not None
    assert (wanted.agreed.span.start, wanted.agreed.span.end) == span
    assert text_of(Issue(wanted.appointment_id, "uid", 1, NOW), wanted.agreed, Manner(ZoneInfo(zone), 40_320))
