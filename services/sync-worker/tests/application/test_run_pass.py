from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.events import CredentialsRejected, ICloudEventImported, ICloudEventRemoved, RemovalReason
from icloud import CalendarNotEnabled, HeldBack, NotUnderstood, TryLater
from icloud import CredentialsRejected as Refused
from sync_worker.application.accounts import CredentialUnusable, WritableAccount
from sync_worker.application.claim import Claim, LeaseLost, State
from sync_worker.domain.outbox import Imported
from worker_examples import connected, ics, imported, new_id
from worker_fakes import FakeCalendar
from worker_stage import Stage

CONFIRMED = (timedelta(minutes=2), timedelta(minutes=2), timedelta(minutes=4))
"""After a first refusal: when the next ones make it certain."""
TUESDAY, FRIDAY = "2027-03-02T10:00", "2027-03-05T16:00"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def home(stage: Stage) -> FakeCalendar:
    home = stage.icloud.calendar("home")
    await stage.follow(home)
    return home


async def refuse(stage: Stage, *after: timedelta) -> None:
    """One pass after each of these waits, refused by Apple."""
    stage.icloud.troubles["calendars", ""] = Refused()
    for wait in after:
        stage.now += wait
        await stage.store.connections.wake(stage.connection_id)
        for claim in await due(stage):
            await stage.worker()(claim)


async def due(stage: Stage) -> list[Claim]:
    """Everything, whatever its time: passes are told apart here by the test's own clock."""
    for row in stage.store.connections._rows.values():  # type: ignore[attr-defined]  # the fake's rows
        if not row.stopped:
            row.due_at = stage.now.replace(year=2000)
    return [replace(claim, claimed_at=stage.now) for claim in await stage.store.leases().claim(9)]


@pytest.mark.usefixtures("home")
async def test_spaced_refusals_stop_the_polling_and_are_told_once(stage: Stage) -> None:
    await stage.sync()
    await refuse(stage, timedelta(minutes=5), *CONFIRMED)
    requests = len(stage.icloud.asked)

    await refuse(stage, timedelta(hours=1), timedelta(hours=1))

    (told,) = stage.events.of(CredentialsRejected)
    assert isinstance(told, CredentialsRejected)
    assert told.since == int((stage.now - timedelta(hours=2, minutes=8)).timestamp())
    assert told.as_of is not None
    assert len(stage.icloud.asked) == requests


@pytest.mark.usefixtures("home")
async def test_refusals_within_a_minute_count_once(stage: Stage) -> None:
    await refuse(stage, *[timedelta(seconds=10)] * 6)

    assert stage.events.of(CredentialsRejected) == []


@pytest.mark.usefixtures("home")
async def test_one_success_forgets_earlier_refusals(stage: Stage) -> None:
    await refuse(stage, *CONFIRMED)
    stage.icloud.troubles.clear()
    for claim in await due(stage):
        await stage.worker()(claim)

    await refuse(stage, *CONFIRMED)

    assert stage.events.of(CredentialsRejected) == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("trouble", [TryLater(None, "timeout"), NotUnderstood("html"), CalendarNotEnabled()])
async def test_other_troubles_are_never_about_the_credential(stage: Stage, trouble: Exception) -> None:
    stage.icloud.troubles["calendars", ""] = trouble
    for _ in range(5):
        stage.now += timedelta(minutes=5)
        for claim in await due(stage):
            await stage.worker()(claim)

    assert stage.events.of(CredentialsRejected) == []


async def test_a_reconnect_goes_on_from_where_the_connection_was(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.sync()
    await refuse(stage, timedelta(minutes=2), *CONFIRMED)
    stage.icloud.troubles.clear()
    stage.icloud.asked.clear()

    await stage.follow(home, epoch=2)
    await stage.sync()
    asked = [call for call, _ in stage.icloud.asked]
    home.put("a", ics("uid-a", FRIDAY))
    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert asked == ["calendars"]
    assert (event.epoch, event.revision) == (2, 2)
    assert stage.history(href) == [("ICloudEventImported", 1), ("ICloudEventImported", 2)]


@pytest.mark.usefixtures("home")
async def test_while_many_are_refused_at_once_nobody_is_blamed(stage: Stage) -> None:
    for _ in range(2):
        await stage.store.connections.follow(connected(new_id(), "cal-1"))

    await refuse(stage, timedelta(0), *CONFIRMED)

    assert stage.events.of(CredentialsRejected) == []
    assert [claim.rejections.count for claim in await due(stage) if claim.rejections] == [0, 0, 0]


@pytest.mark.usefixtures("home")
async def test_what_changes_is_looked_at_again_sooner(stage: Stage, home: FakeCalendar) -> None:
    row = stage.store.connections._rows[stage.connection_id]  # type: ignore[attr-defined]  # the fake's rows
    waits = []
    for change in (home.put, lambda *_: "", home.put):
        change("a", ics("uid-a", TUESDAY))
        await stage.sync()
        stage.now += timedelta(days=2)
        waits.append(row.due_at - datetime.now(UTC))

    assert max(waits[0], waits[2]) < timedelta(minutes=1.3) < timedelta(minutes=6) < waits[1]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("reason", "waits_for_apple"), [("budget", False), ("breaker", False), ("throttled", True)])
async def test_what_we_hold_back_ourselves_is_no_failure(stage: Stage, reason: str, waits_for_apple: bool) -> None:  # noqa: FBT001 - a column
    stage.icloud.troubles["calendars", ""] = HeldBack(timedelta(minutes=30), reason)
    await stage.sync()

    await stage.store.connections.wake(stage.connection_id)

    claims = await stage.store.leases().claim(1)
    assert [claim.failures for claim in claims] == ([] if waits_for_apple else [0])


@pytest.mark.usefixtures("home")
async def test_a_retry_after_is_obeyed_whoever_asks(stage: Stage) -> None:
    stage.icloud.troubles["calendars", ""] = TryLater(timedelta(minutes=10), "throttled")
    await stage.sync()

    await stage.store.connections.wake(stage.connection_id)

    assert not await stage.store.leases().claim(1)


@pytest.mark.usefixtures("home")
async def test_a_credential_that_does_not_open_is_no_crash_and_asks_nothing_of_apple(stage: Stage) -> None:
    class Locked:
        async def open(self, claim: Claim) -> WritableAccount:
            del claim
            raise CredentialUnusable("unknown_key")

    await stage.worker(stage.neighbours(Locked()))(await stage.claim())

    claim = await stage.claim()
    assert (claim.failures, stage.icloud.asked) == (1, [])


async def test_disconnecting_takes_every_event_back_and_forgets_the_connection(
    stage: Stage, home: FakeCalendar
) -> None:
    hrefs = [home.put(f"e{n}", ics(f"uid-{n}", TUESDAY)) for n in range(3)]
    await stage.sync()
    home.delete("e0")
    await stage.sync()

    await stage.disconnect()
    (claim,) = await stage.store.leases().claim(1)
    await stage.worker()(claim)

    removed = {one.reason: one for one in stage.events.of(ICloudEventRemoved) if isinstance(one, ICloudEventRemoved)}
    assert removed.keys() == {RemovalReason.DELETED, RemovalReason.DISCONNECTED}
    assert removed[RemovalReason.DISCONNECTED].as_of == int(claim.claimed_at.timestamp())
    assert stage.events.topic() == {}
    assert [kind for kind, _ in stage.history(hrefs[1])] == ["ICloudEventImported", "ICloudEventRemoved", "Ended"]
    assert not await stage.store.objects.remaining(claim, 9)


async def test_a_connection_that_ends_during_its_pass_stops_it(stage: Stage, home: FakeCalendar) -> None:
    home.put("a", ics("uid-a", TUESDAY))
    claim = await stage.claim()
    await stage.disconnect()

    with pytest.raises(LeaseLost):
        await stage.worker()(claim)

    assert stage.events.topic() == {}
    await stage.store.leases().release([claim])
    (erasing,) = await stage.store.leases().claim(1)
    assert erasing.state is State.ERASING


async def test_what_a_broken_pass_left_unpublished_goes_out_before_apple_is_asked_again(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    claim = await stage.claim()
    await stage.store.objects.write(claim, [unpublished(stage, href)])
    await stage.worker().put_off(claim)
    stage.icloud.troubles["calendars", ""] = TryLater(None, "timeout")

    for again in await due(stage):
        await stage.worker()(again)

    assert stage.heard(href) is not None


async def test_a_frozen_publisher_does_not_leave_an_old_record_as_the_last_one(
    stage: Stage, home: FakeCalendar
) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.sync()
    frozen = await stage.claim()
    await stage.store.leases().release([frozen])
    home.put("a", ics("uid-a", FRIDAY))
    await stage.sync()
    old = next(one for one in stage.events.of(ICloudEventImported) if isinstance(one, ICloudEventImported))

    publish = stage.worker()._sync._do.publish
    await publish(frozen, [unpublished(stage, href)])

    assert [one.revision for one in stage.events.of(ICloudEventImported)] == [1, 2, 1, 2]
    event = stage.heard(href)
    assert event is not None
    assert event.occurrences != old.occurrences


async def test_a_frozen_publisher_brings_nothing_of_an_erased_connection_back(stage: Stage, home: FakeCalendar) -> None:
    href = home.put("a", ics("uid-a", TUESDAY))
    await stage.sync()
    frozen = await stage.claim()
    await stage.disconnect()
    await stage.store.leases().release([frozen])
    (erasing,) = await stage.store.leases().claim(1)
    await stage.worker()(erasing)

    publish = stage.worker()._sync._do.publish
    await publish(frozen, [unpublished(stage, href)])

    assert stage.events.topic() == {}


def unpublished(stage: Stage, href: str) -> Imported:
    """The first state of an object, as a pass keeps it."""
    return imported(stage.id_of(href), href=href)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("read_before", "at_least", "at_most"), [(0, 4, 6), (1, 60, 9 * 60)])
async def test_a_first_import_that_is_held_back_comes_as_soon_as_it_has_a_chance(
    stage: Stage, read_before: int, at_least: float, at_most: float
) -> None:
    row = stage.store.connections._rows[stage.connection_id]  # type: ignore[attr-defined]  # the fake's rows
    await stage.sync(read_before)
    stage.icloud.troubles["calendars", ""] = HeldBack(timedelta(seconds=5), "breaker")

    await stage.sync()

    wait = (row.due_at - datetime.now(UTC)).total_seconds()
    assert at_least < wait <= at_most
