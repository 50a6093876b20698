"""What an account makes of calendars that could not be read for too long."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import (
    CONNECTION,
    HOME,
    NOW,
    WORK,
    ago,
    completed,
    connected,
    imported,
    reconnected,
    rejected,
    span,
)
from services.availability.tests.stories import connections, events, syncs

from availability.application.refusals import SlotTaken
from availability.domain.blocking import AllDayRule, Rule
from availability.domain.changes import Version, WhenStale
from availability.domain.freshness import Ageing, Connection, freshness

AGEING = Ageing(NOW, timedelta(minutes=30))
BOTH = ((HOME, AllDayRule.AS_MARKED), (WORK, AllDayRule.AS_MARKED))
PASS = Version(1, 1000)
FRESH, OLD = NOW - timedelta(minutes=5), NOW - timedelta(hours=1)
CLOSING = Connection(CONNECTION, 1, BOTH, PASS, FRESH, when_stale=WhenStale.CLOSE)
CLOSE = {"when_stale": "close"}


def consequence(connection: Connection) -> WhenStale:
    return freshness([connection], AGEING).consequence


@pytest.mark.parametrize(
    ("connection", "closed"),
    [
        pytest.param(CLOSING, False, id="fresh"),
        pytest.param(replace(CLOSING, as_of=OLD), True, id="stale"),
        pytest.param(replace(CLOSING, behind=((WORK, OLD),)), True, id="one calendar is stale"),
        pytest.param(replace(CLOSING, rejected=Version(1, 2000)), True, id="needs_reconnect"),
        pytest.param(replace(CLOSING, completed=None, as_of=None), False, id="the first import"),
        pytest.param(replace(CLOSING, completed=None, rejected=PASS), True, id="refused while importing"),
        pytest.param(replace(CLOSING, behind=((WORK, None),)), False, id="a new calendar is being imported"),
        pytest.param(
            replace(CLOSING, as_of=OLD, revision=2, setup_read=1), True, id="a new setup makes nothing younger"
        ),
        pytest.param(replace(CLOSING, revision=2, setup_read=1), False, id="a new setup after a fresh look"),
        pytest.param(replace(CLOSING, as_of=OLD, calendars=()), True, id="no calendar at all"),
    ],
)
def test_only_what_was_read_before_and_is_overdue_closes(connection: Connection, closed: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (consequence(connection) is WhenStale.CLOSE) is closed


@pytest.mark.parametrize("chosen", WhenStale)
def test_the_account_chooses_what_overdue_means(chosen: WhenStale) -> None:
    fresh, stale = replace(CLOSING, when_stale=chosen), replace(CLOSING, when_stale=chosen, as_of=OLD)

    assert (consequence(fresh), consequence(stale)) == (WhenStale.KEEP, chosen)


def test_of_two_connections_the_severer_one_counts() -> None:
    warns = replace(CLOSING, as_of=OLD, when_stale=WhenStale.WARN)

    found = freshness([replace(CLOSING, as_of=OLD), warns], AGEING)

    assert found.consequence is WhenStale.CLOSE


async def stale_after_booking(stage: Stage) -> datetime:
    """A connection that closes, whose last look is too old from now on."""
    await connections(stage.timeline, connected(choices=CLOSE))
    await syncs(stage.timeline, completed(ago(minutes=5)))
    stage.clock.now = NOW + timedelta(hours=1)
    return stage.clock.now


async def test_nobody_is_booked_while_closed_and_the_next_look_opens(stage: Stage) -> None:
    now = await stale_after_booking(stage)

    with pytest.raises(SlotTaken) as refused:
        await stage.book(span(14, 15), key="k")
    await syncs(stage.timeline, completed(int(now.timestamp()), revision=2_000))
    booked = await stage.book(span(14, 15), key="k")

    assert (refused.value.taken, refused.value.rule) == ((span(14, 15),), Rule.CLOSED_WHILE_STALE)
    assert booked.appointment.agreed.span == span(14, 15)


async def test_what_is_really_taken_is_told_as_such_while_closed(stage: Stage) -> None:
    await stale_after_booking(stage)
    await events(stage.timeline, imported("event-1", span(14, 15)))

    with pytest.raises(SlotTaken) as refused:
        await stage.book(span(14, 16))

    assert (refused.value.taken, refused.value.rule) == ((span(14, 15),), None)


async def test_an_appointment_is_not_moved_while_closed_but_its_words_may_change(stage: Stage) -> None:
    booked = await stage.book(span(14, 15))
    await stale_after_booking(stage)

    with pytest.raises(SlotTaken) as refused:
        await stage.change(booked, span(16, 17))
    edited = await stage.change(booked, title="Couleur")

    assert refused.value.rule is Rule.CLOSED_WHILE_STALE
    assert (edited.appointment.agreed.span, edited.appointment.agreed.title) == (span(14, 15), "Couleur")


async def test_that_it_is_closed_is_no_conflict_of_appointments_that_stand(stage: Stage) -> None:
    booked = await stage.book(span(14, 15))
    await stale_after_booking(stage)

    told = await stage.check()

    assert told == 0
    assert (await stage.look_at(booked)).appointment.conflicts == ()


async def test_a_refused_credential_closes_until_the_account_is_reconnected_and_read(stage: Stage) -> None:
    await connections(stage.timeline, connected(choices=CLOSE))
    await syncs(stage.timeline, completed(ago(hours=2)), rejected(ago(hours=2), revision=2_000))

    with pytest.raises(SlotTaken) as refused:
        await stage.book(span(14, 15))
    await connections(stage.timeline, reconnected(epoch=2, choices=CLOSE))
    with pytest.raises(SlotTaken):
        await stage.book(span(14, 15))
    await syncs(stage.timeline, completed(epoch=2, revision=1))
    booked = await stage.book(span(14, 15))

    assert refused.value.rule is Rule.CLOSED_WHILE_STALE
    assert booked.appointment.agreed.span == span(14, 15)
