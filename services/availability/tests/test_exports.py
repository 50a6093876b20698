"""What becomes of an appointment on its way to the linked calendar."""

from datetime import UTC, datetime

import pytest
from services.availability.tests.booking_stage import Stage
from services.availability.tests.examples import (
    ACCOUNT,
    CONNECTION,
    HOME,
    NOW,
    THEY,
    USER,
    connected,
    disconnected,
    rejected,
    seconds,
    span,
)
from services.availability.tests.stories import connections, syncs

from availability.application.bookings import Shown
from availability.application.record_connections import ConnectionEvent
from availability.domain.exports import Change, ChangeKind, Export, ExportState
from availability.domain.intervals import Window
from contracts.events import (
    AppointmentExported,
    AppointmentExportFailed,
    ChangeInICloud,
    ExportedEventChangedInICloud,
)
from contracts.facts import Access

LATER = datetime(2026, 3, 2, 13, tzinfo=UTC)
REMOVED_AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DAY = Window(*span(0, 24))


def linked() -> ConnectionEvent:
    return connected([HOME], access=Access.FULL, linked=HOME)


def ids(shown: Shown, revision: int) -> dict[str, object]:
    whose = {"account_id": ACCOUNT, "user_id": USER, "connection_id": CONNECTION, "epoch": 1}
    return {**whose, "revision": revision, "appointment_id": shown.appointment.id}


def exported(shown: Shown, revision: int = 1, at: datetime = REMOVED_AT) -> AppointmentExported:
    return AppointmentExported.model_validate({**ids(shown, revision), "calendar_id": HOME, "exported_at": seconds(at)})


def failed(shown: Shown, revision: int = 1, again: datetime | None = None) -> AppointmentExportFailed:
    next_try = None if again is None else seconds(again)
    return AppointmentExportFailed.model_validate(
        {**ids(shown, revision), "reason": "quota_exceeded", "next_try_at": next_try}
    )


@pytest.mark.parametrize(
    ("news", "state", "reason"),
    [
        ([], ExportState.NOT_EXPORTED, "not_connected"),
        ([connected()], ExportState.NOT_EXPORTED, "read_only_access"),
        ([connected([HOME], access=Access.FULL)], ExportState.NOT_EXPORTED, "no_linked_calendar"),
        ([linked()], ExportState.PENDING, None),
        ([linked(), disconnected(revision=2)], ExportState.NOT_EXPORTED, "not_connected"),
    ],
)
async def test_the_setup_tells_whether_an_appointment_goes_out(
    stage: Stage, news: list[ConnectionEvent], state: ExportState, reason: str | None
) -> None:
    await connections(stage.timeline, *news)

    booked = await stage.book(span(9, 10))

    assert (booked.export.state, booked.export.reason) == (state, reason)


@pytest.mark.parametrize(
    ("as_agreed", "stands"),
    [
        pytest.param(True, False, id="as agreed"),
        pytest.param(False, True, id="as the user made it"),
        pytest.param(None, True, id="an older worker"),
    ],
)
async def test_what_the_user_has_changed_back_is_told_no_more(
    stage: Stage, *, as_agreed: bool | None, stands: bool
) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    moved = ExportedEventChangedInICloud.model_validate(
        {**ids(booked, 1), "change": ChangeInICloud.MOVED, "span": span(11, 12)}
    )
    await stage.exported(exported(booked), moved)

    await stage.exported(exported(booked).model_copy(update={"as_agreed": as_agreed}))

    export = (await stage.look_at(booked)).export
    assert export.state is ExportState.EXPORTED
    assert export.change == (Change(1, ChangeKind.MOVED, span(11, 12)) if stands else None)


async def test_an_appointment_waits_for_a_reconnect(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    await syncs(stage.timeline, rejected())

    booked = await stage.book(span(9, 10))

    assert (booked.export.state, booked.export.reason) == (ExportState.PENDING, "needs_reconnect")


async def test_the_newest_word_on_the_newest_agreement_counts(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    states = []

    for news in (failed(booked, again=LATER), failed(booked), exported(booked)):
        await stage.exported(news)
        states.append((await stage.look_at(booked)).export)
    moved = await stage.change(booked, span(11, 12))
    await stage.exported(failed(booked, revision=1))
    await stage.exported(exported(moved, revision=2))
    await stage.exported(failed(booked, revision=1))
    after = await stage.look_at(moved)

    assert [(one.state, one.reason) for one in states] == [
        (ExportState.PENDING, "quota_exceeded"),
        (ExportState.FAILED, "quota_exceeded"),
        (ExportState.EXPORTED, None),
    ]
    assert moved.export.state is ExportState.PENDING
    assert after.export.state is ExportState.EXPORTED


async def test_a_conflict_does_not_ask_for_another_export(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(19, 20))
    await stage.exported(exported(booked))
    await stage.slots.add(booked.appointment.user, span(19, 20), None)
    await stage.check()

    shown = await stage.look_at(booked)

    assert shown.appointment.revision == 2
    assert shown.export.state is ExportState.EXPORTED


async def test_what_the_user_changed_in_icloud_is_shown_and_changes_nothing_here(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    moved = {**ids(booked, 1), "change": ChangeInICloud.MOVED, "span": span(15, 16)}
    await stage.exported(exported(booked), ExportedEventChangedInICloud.model_validate(moved))

    shown = await stage.look_at(booked)
    again = await stage.change(shown, span(11, 12))

    assert shown.export.change == Change(1, ChangeKind.MOVED, span(15, 16))
    assert shown.appointment.agreed.span == span(9, 10)
    assert again.export.change is None


async def test_a_cancelled_one_waits_to_be_taken_out_until_it_is(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    await stage.exported(exported(booked, at=NOW))
    written = (await stage.look_at(booked)).export
    await stage.cancel(booked)
    fates = [(await stage.look_at(booked)).export]

    for news in (failed(booked, 2, again=LATER), failed(booked, 2), exported(booked, 2)):
        await stage.exported(news)
        fates.append((await stage.look_at(booked)).export)

    assert written == Export(ExportState.EXPORTED, at=NOW)
    assert fates == [
        Export(ExportState.PENDING),
        Export(ExportState.PENDING, "quota_exceeded"),
        Export(ExportState.FAILED, "quota_exceeded"),
        Export(ExportState.REMOVED, at=REMOVED_AT),
    ]


async def test_what_a_later_try_could_not_change_was_there_all_the_same(stage: Stage) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    await stage.exported(exported(booked))
    moved = await stage.change(booked, span(11, 12))
    await stage.exported(failed(moved, 2))

    await stage.cancel(moved)

    assert (await stage.look_at(moved)).export == Export(ExportState.PENDING)


@pytest.mark.parametrize("tried", [False, True])
async def test_of_one_that_never_was_there_nothing_is_to_be_taken_out(stage: Stage, *, tried: bool) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    if tried:
        await stage.exported(failed(booked))

    await stage.cancel(booked)

    assert (await stage.look_at(booked)).export == Export(ExportState.NOT_EXPORTED)


@pytest.mark.parametrize(
    ("news", "reason"),
    [
        ([disconnected(revision=2)], "not_connected"),
        (
            [disconnected(revision=2), connected([HOME], connection="con-2", access=Access.FULL, linked=HOME)],
            "not_connected",
        ),
        ([connected([HOME], access=Access.FULL, revision=2)], "no_linked_calendar"),
    ],
    ids=["disconnected", "connected anew", "no calendar any more"],
)
async def test_what_nobody_can_take_out_any_more_stays_and_it_is_said_why(
    stage: Stage, news: list[ConnectionEvent], reason: str
) -> None:
    await connections(stage.timeline, linked())
    booked = await stage.book(span(9, 10))
    await stage.exported(exported(booked))
    await stage.cancel(booked)

    await connections(stage.timeline, *news)

    assert (await stage.look_at(booked)).export == Export(ExportState.NOT_EXPORTED, reason)


async def test_cancelled_ones_are_listed_where_they_are_asked_for(stage: Stage) -> None:
    late, early, _ = [await stage.book(span(hour, hour + 1)) for hour in (16, 9, 11)]
    for one in (late, early, await stage.book(span(30, 31))):
        await stage.cancel(one)

    usual = await stage.showing.between(THEY, DAY)
    whole = await stage.showing.between(THEY, DAY, cancelled=True)

    assert [one.appointment.agreed.span for one in usual] == [span(11, 12)]
    assert [one.appointment.agreed.span for one in whole] == [span(9, 10), span(11, 12), span(16, 17)]
    assert [one.appointment.standing for one in whole] == ["cancelled", "booked", "cancelled"]


async def test_news_of_an_appointment_that_is_not_known_are_dropped(stage: Stage) -> None:
    booked = await stage.book(span(9, 10))
    stranger = exported(booked).model_copy(update={"appointment_id": "another"})

    await stage.exported(stranger)

    assert await stage.bookings.find(ACCOUNT, "another") is None
