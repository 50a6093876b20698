"""What every store of connections does with what workers report."""

from dataclasses import replace

import pytest

from connector.application.disconnect import Disconnection
from connector.domain.connection import (
    Connection,
    Gravestone,
    State,
    ended,
)
from connector.domain.reading import (
    CalendarAge,
    CalendarState,
    HeldRemovals,
    Progress,
    Quarantined,
    Reading,
    UnreadableEvent,
)
from connector.domain.sync import Held, Importing, Read, Refused, Report, Settled, Unreadable, Word
from connector_examples import (
    LATER,
    MARIE,
    NOW,
    SECRET,
    connection,
)
from connector_stores import Store


def end(one: Connection) -> Gravestone:
    return ended(one, at=LATER)


READ = Read(Word("c-1", 1, 2_001), LATER)
WAS_READ = Reading(LATER, looked_at=LATER)
AGE = CalendarAge("cal-club", None, CalendarState.FAILED)
HOLD = HeldRemovals("cal-club", NOW, 40, 38, "shrunken")
KEPT = replace(HOLD, kept_until=LATER)
LOST = Quarantined("cal-private", 7, (UnreadableEvent("e-1", "not_ical", NOW, LATER), UnreadableEvent("e-2", "huge")))


def word(revision: int) -> Word:
    return Word("c-1", 1, revision)


@pytest.mark.parametrize(
    ("reports", "state", "reading"),
    [
        ([READ], State.CONNECTED, WAS_READ),
        ([Read(word(1), LATER, (AGE,), 7)], State.CONNECTED, Reading(None, None, LATER, 7, (AGE,))),
        ([Importing(word(1_001), Progress(5, None))], State.CONNECTED, Reading(None, Progress(5, None))),
        ([Importing(word(1_001), Progress(5, 9)), READ], State.CONNECTED, WAS_READ),
        ([READ, Refused(word(2_002))], State.NEEDS_RECONNECT, WAS_READ),
        ([Refused(word(3), LATER, NOW)], State.NEEDS_RECONNECT, Reading(looked_at=NOW, refused_since=LATER)),
        ([Refused(word(2_000), NOW), READ], State.CONNECTED, WAS_READ),
        ([READ, Refused(word(2_000))], State.CONNECTED, WAS_READ),
        ([READ, READ], State.CONNECTED, WAS_READ),
        ([Refused(Word("c-1", 2, 9_000)), Refused(Word("c-9", 1, 9_000))], State.CONNECTED, Reading()),
        ([READ, Held(word(5), HOLD), Unreadable(word(4), LOST)], State.CONNECTED, (HOLD, LOST)),
        ([Held(word(5), HOLD), Settled(word(6), "cal-club"), Held(word(5), HOLD)], State.CONNECTED, Reading()),
        ([Settled(word(6), "cal-club"), Held(word(5), HOLD)], State.CONNECTED, Reading()),
        ([Held(word(5), HOLD), Settled(word(6), "cal-private")], State.CONNECTED, Reading(held=(HOLD,))),
        ([Held(word(5), HOLD), Held(word(6), KEPT)], State.CONNECTED, Reading(held=(KEPT,))),
        ([Held(word(6), KEPT), Held(word(5), HOLD), Held(word(7), HOLD)], State.CONNECTED, Reading(held=(HOLD,))),
        (
            [Unreadable(word(5), LOST), Unreadable(word(6), Quarantined("cal-private", 0, ()))],
            State.CONNECTED,
            Reading(),
        ),
        (
            [Unreadable(word(6), LOST), Unreadable(word(5), replace(LOST, count=1))],
            State.CONNECTED,
            Reading(quarantined=(LOST,)),
        ),
        ([Held(Word("c-1", 2, 5), HOLD), Unreadable(Word("c-1", 2, 5), LOST)], State.CONNECTED, Reading()),
    ],
    ids=[
        "read",
        "read but for one",
        "importing",
        "imported",
        "refused after being read",
        "refused since",
        "works again",
        "an older one told late",
        "told twice",
        "another epoch, another connection",
        "kinds do not hide each other",
        "a settled hold told again",
        "a settled hold told late",
        "holds of two calendars",
        "kept by the user",
        "asked again",
        "readable again",
        "an older quarantine told late",
        "holds and quarantine of another epoch",
    ],
)
async def test_of_the_workers_reports_of_one_kind_the_newest_holds(
    store: Store, reports: list[Report], state: State, reading: Reading | tuple[HeldRemovals, Quarantined]
) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)

    await store.connections.record(reports)

    expected = reading if isinstance(reading, Reading) else replace(WAS_READ, held=(HOLD,), quarantined=(LOST,))
    assert await store.connections.of(MARIE) == replace(connection("c-1", MARIE), state=state, reading=expected)


async def test_a_late_report_does_not_raise_the_dead(store: Store) -> None:
    await store.connections.add(connection("c-1", MARIE), SECRET)
    await store.connections.bury(MARIE, "c-1", end)

    await store.connections.record([READ])

    assert await store.connections.of(MARIE) is None
    assert await store.connections.bury(MARIE, "c-1", end) is Disconnection.ALREADY_GONE
