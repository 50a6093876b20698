"""What every store promises of appointments and blocked slots, told through the stories that use it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import (
    CONNECTION,
    DAY,
    HOME,
    NOW,
    THEY,
    TODAY,
    WORK,
    ago,
    completed,
    connected,
    disconnected,
    imported,
    span,
)
from services.availability.tests.stories import ask, connections, events, syncs

from availability.application.refusals import (
    AlreadyCancelled,
    ChangedMeanwhile,
    NoSuchAppointment,
    NoSuchBlockedSlot,
    SlotTaken,
)
from availability.domain.appointments import HISTORY, News, Standing
from availability.domain.blocking import AllDayRule
from availability.domain.freshness import State
from availability.domain.intervals import Span, Window
from availability.domain.users import User
from contracts.facts import OccurrenceFacts

WEEK = Window(TODAY, TODAY + 7 * DAY)


async def test_an_appointment_blocks_its_user(stage: Stage) -> None:
    await stage.book(span(9, 10))

    answer = await ask(stage.timeline)

    assert answer.spans == (span(9, 10),)
    assert answer.freshness.state is State.NOT_CONNECTED


async def test_appointments_blocked_slots_and_events_make_one_answer(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await events(stage.timeline, imported("event-1", span(8, 9)))
    await stage.book(span(9, 10))
    await stage.slots.add(THEY, span(9.5, 12), "Congé")

    answer = await ask(stage.timeline)

    assert answer.spans == (span(8, 12),)


async def test_nothing_is_booked_over_what_blocks(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await events(stage.timeline, imported("event-1", span(9, 10), span(9, 10, day=1)))
    await stage.slots.add(THEY, span(12, 13), None)
    await stage.book(span(15, 16))

    refused = []
    for wanted in (span(9.5, 11), span(11, 12.5), span(15, 16), span(8, 20)):
        with pytest.raises(SlotTaken) as taken:
            await stage.book(wanted)
        refused.append(taken.value.taken)

    assert refused == [(span(9, 10),), (span(12, 13),), (span(15, 16),), (span(9, 10), span(12, 13), span(15, 16))]
    assert len(await stage.bookings.between(THEY, WEEK)) == 1


async def test_what_does_not_block_may_be_booked_over(stage: Stage) -> None:
    await connections(stage.timeline, connected([HOME], AllDayRule.NEVER_BLOCK))
    await events(
        stage.timeline,
        imported("free", span(9, 10), facts=OccurrenceFacts(transparent=True)),
        imported("all-day", span(0, 24), facts=OccurrenceFacts(all_day=True)),
        imported("elsewhere", span(9, 10), calendar=WORK),
        imported("no-time", span(9.5, 9.5)),
    )

    booked = await stage.book(span(9, 10))

    assert booked.appointment.agreed.span == span(9, 10)


async def test_touching_times_do_not_collide_even_within_minutes(stage: Stage) -> None:
    minute = 60
    nine = span(9, 10)[0]

    for start, end in ((0, 2), (2, 5), (5, 6)):
        await stage.book((nine + start * minute, nine + end * minute))

    assert (await ask(stage.timeline)).spans == ((nine, nine + 6 * minute),)


PARIS_SPRING = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
"""Where clocks go from two to three."""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (span(23, 25), span(0, 2, day=1)),
        ((PARIS_SPRING - 1800, PARIS_SPRING + 1800), (PARIS_SPRING, PARIS_SPRING + 3600)),
        (span(0, 24 * 60), span(9, 10, day=30)),
    ],
    ids=["midnight", "summer time", "two months"],
)
async def test_no_boundary_of_local_time_lets_two_overlap(stage: Stage, first: Span, second: Span) -> None:
    await stage.book(first)

    with pytest.raises(SlotTaken) as taken:
        await stage.book(second)

    assert taken.value.taken == (first,)


async def test_users_and_accounts_have_their_own_time(stage: Stage) -> None:
    await stage.book(span(9, 10))

    await stage.book(span(9, 10), user=User(THEY.account_id, "user-2"))
    await stage.book(span(9, 10), user=User("account-2", THEY.user_id))

    assert len(await stage.bookings.between(THEY, WEEK)) == 1
    assert (await ask(stage.timeline, account="account-2")).spans == (span(9, 10),)


async def test_moving_frees_the_old_time_and_takes_the_new_in_one_step(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))

    moved = await stage.change(booked, span(9.5, 10.5))

    assert (await ask(stage.timeline)).spans == (span(9.5, 10.5),)
    assert moved.appointment.revision == 2
    assert [line.what for line in moved.appointment.history] == [News.BOOKED, News.RESCHEDULED]
    assert [line.span for line in moved.appointment.history] == [span(9, 10), span(9.5, 10.5)]


async def test_an_appointment_that_cannot_move_stays_where_it_is(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    await stage.book(span(11, 12))

    with pytest.raises(SlotTaken) as taken:
        await stage.change(booked, span(10.5, 11.5))

    assert taken.value.taken == (span(11, 12),)
    assert (await ask(stage.timeline)).spans == (span(9, 10), span(11, 12))
    assert (await stage.look_at(booked)).appointment.revision == 1


async def test_words_may_change_while_the_time_is_in_conflict(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    await connections(stage.timeline, connected())
    await events(stage.timeline, imported("event-1", span(9, 10)))

    changed = await stage.change(booked, title="Coupe et couleur", notes="Allergie")

    assert (changed.appointment.agreed.title, changed.appointment.agreed.notes) == ("Coupe et couleur", "Allergie")
    assert changed.appointment.history[-1].what is News.EDITED


async def test_a_change_that_says_nothing_new_makes_no_revision(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))

    same = await stage.change(booked, span(9, 10), title=booked.appointment.agreed.title)

    assert same.appointment == booked.appointment


async def test_whoever_has_not_seen_the_newest_revision_changes_nothing(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    await stage.change(booked, span(11, 12))

    with pytest.raises(ChangedMeanwhile) as changed:
        await stage.change(booked, span(15, 16))
    with pytest.raises(ChangedMeanwhile):
        await stage.cancel(booked)

    assert changed.value.appointment.revision == 2
    assert (await ask(stage.timeline)).spans == (span(11, 12),)


async def test_a_cancelled_appointment_frees_its_time_and_is_still_shown(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    await stage.cancel(booked)
    await stage.cancel(booked)

    shown = await stage.look_at(booked)
    again = await stage.book(span(9, 10))

    assert shown.appointment.standing is Standing.CANCELLED
    assert [line.what for line in shown.appointment.history] == [News.BOOKED, News.CANCELLED]
    assert [one.id for one in await stage.bookings.between(THEY, WEEK)] == [again.appointment.id]
    with pytest.raises(AlreadyCancelled):
        await stage.change(shown, span(11, 12))


async def test_what_happened_is_told_with_who_did_it_and_is_bounded(stage: Stage) -> None:
    shown = await stage.book(span(9, 10))
    for number in range(HISTORY + 5):
        shown = await stage.change(shown, title=f"Coupe {number}")

    history = (await stage.look_at(shown)).appointment.history

    assert len(history) == HISTORY
    assert [line.revision for line in history] == list(range(7, HISTORY + 7))
    assert {line.act.by for line in history} == {"user-1"}


async def test_a_stranger_of_another_account_finds_no_appointment(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))

    with pytest.raises(NoSuchAppointment):
        await stage.showing.one("account-2", booked.appointment.id)

    assert await stage.bookings.find("account-2", booked.appointment.id) is None


async def test_appointments_are_listed_by_their_start(stage: Stage) -> None:
    for hour in (15, 9, 12):
        await stage.book(span(hour, hour + 1))
    await stage.book(span(9, 10, day=10))
    await stage.slots.add(THEY, span(18, 19), None)

    listed = await stage.showing.between(THEY, WEEK)

    assert [shown.appointment.agreed.span for shown in listed] == [span(9, 10), span(12, 13), span(15, 16)]


async def test_time_off_is_kept_listed_and_deleted(stage: Stage) -> None:
    long = await stage.slots.add(THEY, span(0, 24 * 300, day=2), "Congé parental")
    short = await stage.slots.add(THEY, span(9, 10), None)

    listed = await stage.slots.of(THEY, span(0, 24 * 7))
    await stage.slots.remove(THEY, short.id)
    with pytest.raises(NoSuchBlockedSlot):
        await stage.slots.remove(THEY, short.id)
    with pytest.raises(NoSuchBlockedSlot):
        await stage.slots.remove(User(THEY.account_id, "user-2"), long.id)

    assert listed == [short, long]
    assert (await ask(stage.timeline)).spans == ((span(0, 1, day=2)[0], WEEK.end),)


@pytest.mark.parametrize("history", [[], [connected()], [connected(), disconnected(revision=2)]])
async def test_a_disconnect_leaves_appointments_and_time_off_alone(stage: Stage, history: Sequence[object]) -> None:
    booked = await stage.book(span(9, 10))
    await stage.slots.add(THEY, span(12, 13), None)
    await connections(stage.timeline, *history)  # type: ignore[arg-type]  # of a table

    answer = await ask(stage.timeline)

    assert answer.spans == (span(9, 10), span(12, 13))
    assert (await stage.look_at(booked)).appointment == booked.appointment


async def test_a_booking_tells_how_old_the_knowledge_is(stage: Stage) -> None:
    await connections(stage.timeline, connected())
    await syncs(stage.timeline, completed(ago(hours=2)))

    booked = await stage.book(span(9, 10))

    assert booked.state is State.STALE
    assert booked.as_of is not None
    assert NOW.timestamp() - booked.as_of.timestamp() == 7200
    assert (await stage.publish())[0].connection_id == CONNECTION
