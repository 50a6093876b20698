from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_worker.application.claim import Claim, LastSaid
from sync_worker.application.endings import Completed
from sync_worker.domain.guard import Doubt
from sync_worker.domain.holds import Held
from sync_worker.domain.outbox import (
    CROWDED_OUT,
    END_OF_TIME,
    MISSING,
    Content,
    Imported,
    Origin,
    Quarantine,
    Refresh,
    State,
)
from sync_worker.domain.tracked import PutRight, Tracked
from sync_worker.domain.values import FactGroup, Facts, Span
from worker_examples import HOUR, NOW, connected, disconnected, gone, imported, moment, new_id, quarantine
from worker_stores import Database, Store

DAY = 86_400


@pytest.fixture
async def claim(store: Store) -> Claim:
    await store.connections.follow(connected(new_id(), "cal-1"))
    (claim,) = await store.leases().claim(1)
    return claim


async def test_a_kept_state_comes_back_as_it_was(store: Store, claim: Claim) -> None:
    states: list[State] = [imported("e1", quarantine=quarantine(), origin=Origin("t1", END_OF_TIME)), gone("e2", 3)]

    await store.objects.write(claim, states)

    assert await store.objects.newest(claim, ["e1", "e2", "e3"]) == {"e1": states[0], "e2": states[1]}


async def test_what_is_judged_by_is_told_without_the_content(store: Store, claim: Claim) -> None:
    state = imported("e1", quarantine=quarantine(), origin=Origin("t1", 7))
    await store.objects.write(claim, [state, gone("e2", 3)])

    known = await store.objects.known(claim, ["e1", "e2", "e3"])

    assert known.keys() == {"e1", "e2"}
    assert known["e1"].extent == state.content.extent
    assert (known["e1"].href, known["e1"].etag, known["e1"].basis) == (state.href, state.etag, state.basis)
    assert (known["e1"].digest, known["e1"].quarantine, known["e1"].alive) == ("d1", quarantine(), True)
    assert known["e1"].origin == Origin("t1", 7)
    assert (known["e2"].alive, known["e2"].revision) == (False, 3)


async def test_an_object_that_is_the_users_own_appointment_is_known_as_such(store: Store, claim: Claim) -> None:
    theirs = imported("e1")
    groups = tuple(FactGroup(Facts(own_appointment=True), group.spans) for group in theirs.content.groups)
    ours = imported("e2", content=replace(theirs.content, groups=groups))
    nothing = imported("e3", content=replace(theirs.content, groups=()))
    await store.objects.write(claim, [theirs, ours, nothing, gone("e4", 3)])

    known = await store.objects.known(claim, ["e1", "e2", "e3", "e4"])
    of_calendar = await store.objects.of_calendar(claim, "cal-1")

    assert {one for one, each in known.items() if each.own} == {"e2"}
    assert {one.event_id for one in of_calendar if one.own} == {"e2"}


async def test_states_wait_until_they_are_marked_and_removals_wait_last(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [gone("e1", 2), imported("e2"), imported("e3")])

    before = await store.objects.pending(claim, 10)
    overtaken = await store.objects.mark(claim, {"e2": 1})
    after = await store.objects.pending(claim, 10)

    assert [state.event_id for state in before][-1] == "e1"
    assert list(overtaken) == []
    assert [state.event_id for state in after] == ["e3", "e1"]


async def test_a_mark_of_another_revision_misses_and_says_so(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1", revision=2), imported("e2")])

    overtaken = await store.objects.mark(claim, {"e1": 1, "e2": 1, "erased": 4})

    assert set(overtaken) == {"e1", "erased"}
    assert [state.event_id for state in await store.objects.pending(claim, 10)] == ["e1"]


async def test_a_mark_twice_is_a_mark(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1"), gone("e2", 2)])

    for _ in range(2):
        assert list(await store.objects.mark(claim, {"e1": 1, "e2": 2})) == []


async def test_a_note_changes_how_it_was_read_and_not_what_it_says(store: Store, claim: Claim) -> None:
    state = imported("e1")
    await store.objects.write(claim, [state])
    await store.objects.mark(claim, {"e1": 1})

    await store.objects.write(claim, [Refresh("e1", '"2"', "other basis", quarantine(), Origin("t2", 7))])
    noted = (await store.objects.known(claim, ["e1"]))["e1"]
    await store.objects.write(claim, [Refresh("e1", '"3"', "other basis", None)])

    healed = (await store.objects.known(claim, ["e1"]))["e1"]
    assert (noted.etag, noted.basis, noted.quarantine) == ('"2"', "other basis", quarantine())
    assert (noted.origin, healed.origin) == (Origin("t2", 7), None)
    assert (healed.etag, healed.quarantine, healed.revision) == ('"3"', None, 1)
    assert list(await store.objects.pending(claim, 10)) == []


async def test_a_calendar_has_its_living_objects(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1"), imported("e2", calendar_id="cal-2"), gone("e3", 2)])

    found = await store.objects.of_calendar(claim, "cal-1")

    assert [one.event_id for one in found] == ["e1"]


async def test_what_cannot_be_read_is_found_by_calendar(store: Store, claim: Claim) -> None:
    await store.objects.write(
        claim,
        [
            imported("e2", quarantine=quarantine()),
            imported("e1", quarantine=quarantine()),
            imported("e3"),
            imported("e4", calendar_id="cal-2", quarantine=quarantine()),
        ],
    )

    found = await store.objects.quarantined(claim, "cal-1")

    assert [one.event_id for one in found] == ["e1", "e2"]


async def test_a_later_claim_knows_that_something_may_be_unpublished(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1")])

    await store.leases().release([claim])

    (again,) = await store.leases().claim(1)
    assert again.unpublished


async def test_a_later_claim_knows_what_was_said_last_until_a_pass_that_said_nothing_is_complete(
    store: Store, claim: Claim
) -> None:
    await store.objects.write(claim, [imported("e1", epoch=3), gone("e2", 3), Refresh("e1", "etag", "basis", None)])
    claim.trail.last = LastSaid("e2", 1, 3)
    befores = [claim.trail.before]
    for _ in range(3):
        await store.passes.end(claim, Completed(NOW, timedelta(0), home=None))
        (claim,) = await store.leases().claim(1)
        befores.append(claim.trail.before)

    assert befores == [None, LastSaid("e2", 1, 3), None, None]


async def test_what_is_remembered_of_a_calendar_comes_back_as_it_was(store: Store, claim: Claim) -> None:
    held = Held(Doubt.SHRUNKEN, NOW, NOW, known=40, missing=30, kept_until=NOW, newcomers=("cal-9",))
    whole = Tracked(
        "/c/",
        "basis",
        "c",
        "t",
        "t",
        failures=2,
        read_until=NOW,
        hold=held,
        quarantine_told="q",
        covered=7,
        reconciled=NOW,
        put_right=PutRight(missing=1, extra=2),
        empty_since=NOW,
        late=(("/c/a.ics", '"2"'), ("/c/b.ics", "")),
        late_asked=2,
    )
    bare, left = Tracked("/d/", "basis"), Tracked("/e/", "basis", left=True)

    for one, tracked in {"cal-1": whole, "cal-2": bare, "cal-3": left}.items():
        await store.passes.remember(claim, one, tracked)

    await store.leases().release([claim])
    (again,) = await store.leases().claim(1)
    assert again.calendars == {"cal-1": whole, "cal-2": bare, "cal-3": left}


async def test_a_forgotten_calendar_is_not_remembered(store: Store, claim: Claim) -> None:
    await store.passes.remember(claim, "cal-1", Tracked("/c/", "basis"))

    await store.passes.forget(claim, "cal-1")

    await store.leases().release([claim])
    (again,) = await store.leases().claim(1)
    assert again.calendars == {}


async def test_nothing_of_another_connection_is_seen_or_erased(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1")])
    other_id = new_id()
    await store.connections.follow(connected(other_id, "cal-1"))
    await store.connections.end(other_id, epoch=1, revision=2, whose=disconnected(other_id))
    (other,) = await store.leases().claim(1)

    seen = [
        await store.objects.known(other, ["e1"]),
        await store.objects.newest(other, ["e1"]),
        await store.objects.of_calendar(other, "cal-1"),
        await store.objects.pending(other, 9),
        await store.objects.remaining(other, 9),
    ]
    await store.objects.erase(other, ["e1"])

    assert [len(one) for one in seen] == [0, 0, 0, 0, 0]
    assert (await store.objects.known(claim, ["e1"])).keys() == {"e1"}


async def test_erasure_leaves_nothing(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1"), gone("e2", 2)])
    await store.connections.end(claim.connection_id, epoch=1, revision=2, whose=disconnected(claim.connection_id))
    await store.leases().release([claim])
    (erasing,) = await store.leases().claim(1)

    remaining = await store.objects.remaining(erasing, 10)
    await store.objects.erase(erasing, [one.event_id for one in remaining])

    assert {one.event_id for one in remaining} == {"e1", "e2"}
    assert list(await store.objects.remaining(erasing, 10)) == []


async def test_living_objects_are_counted_and_named(store: Store, claim: Claim) -> None:
    await store.objects.write(claim, [imported("e1"), imported("e2", calendar_id="cal-2"), gone("e3", 2)])

    assert await store.objects.count(claim, "cal-1") == 1
    assert list(await store.objects.living(claim, "cal-1")) == ["e1"]


async def test_what_has_a_title_is_found(store: Store, claim: Claim) -> None:
    titled = imported("a", content=replace(imported("a").content, title="Dentist"))
    await store.objects.write(claim, [titled, imported("b"), gone("c", 2)])

    assert await store.objects.titled(claim, 10) == [titled]


async def test_what_an_appointments_time_decides_about_is_found_for_as_long_as_it_does(
    store: Store, claim: Claim
) -> None:
    tied, other = Origin("t1", END_OF_TIME, ("a", "b")), Origin("t2", END_OF_TIME)
    await store.objects.write(
        claim,
        [
            imported("tied", origin=tied),
            imported("free", origin=other),
            imported("freed", origin=tied),
            imported("tied later", origin=other),
            imported("gone", origin=tied),
        ],
    )

    await store.objects.write(
        claim,
        [
            Refresh("freed", '"2"', "basis", None, other),
            Refresh("tied later", '"2"', "basis", None, tied),
            gone("gone", 2),
        ],
    )

    found = await store.objects.tied(claim)
    assert {one.event_id: one.origin for one in found} == {"tied": tied, "tied later": tied}
    assert (await store.objects.known(claim, ["tied"]))["tied"].origin == tied


async def test_what_was_read_on_another_basis_is_found_by_calendar(store: Store, claim: Claim) -> None:
    await store.objects.write(
        claim,
        [
            imported("zoned", basis=claim.zoneless_basis),
            imported("floating", basis=claim.basis),
            imported("old", basis="0 another one", etag='"7"'),
            imported("read by a newer version", basis=f"9{claim.zoneless_basis}"),
            imported("elsewhere", basis="0 another one", calendar_id="cal-2"),
            gone("gone", 2),
        ],
    )

    found = await store.objects.outdated(claim, "cal-1")

    assert found == {"/1/calendars/home/old.ics": '"7"'}


async def test_what_has_ended_is_found_unless_it_may_go_on(store: Store, claim: Claim) -> None:
    end = moment("2027-03-02T11:00")
    timeless = Content("uid", None, all_day=False, groups=())
    await store.objects.write(
        claim,
        [
            imported("e1"),
            imported("e2", calendar_id="cal-2"),
            imported("unreadable", quarantine=quarantine()),
            imported("timeless", content=timeless),
            gone("gone", 2),
        ],
    )

    assert list(await store.objects.passed(claim, end - 1, 9)) == []
    assert sorted(await store.objects.passed(claim, end, 9)) == ["e1", "e2"]
    assert len(await store.objects.passed(claim, end, 1)) == 1


async def test_what_had_no_room_ends_like_what_could_be_read(store: Store, claim: Claim) -> None:
    crowded = Quarantine(CROWDED_OUT, Span(0, 7), 400)
    await store.objects.write(claim, [imported("e1", quarantine=crowded)])

    known, states = await store.objects.known(claim, ["e1"]), await store.objects.newest(claim, ["e1"])

    assert known["e1"].quarantine == crowded
    assert states == {"e1": imported("e1", quarantine=crowded)}
    assert list(await store.objects.passed(claim, moment("2027-03-02T11:00"), 9)) == ["e1"]


async def test_room_is_taken_by_series_that_are_there_and_by_each_once(store: Store, claim: Claim) -> None:
    other_id = new_id()
    await store.connections.follow(connected(other_id, "cal-1"))
    (other,) = await store.leases().claim(1)
    await store.objects.write(other, [series("elsewhere", 50)])
    before = await store.objects.taken(claim)
    await store.objects.write(
        claim,
        [
            series("a", 400),
            series("b", 57, calendar_id="cal-2"),
            series("gone later", 9),
            series("c", 2),
            imported("single"),
            gone("gone", 3),
        ],
    )

    await store.objects.write(claim, [gone("gone later", 2), Refresh("a", '"2"', "basis", None), series("b", 7)])

    known = await store.objects.known(claim, ["a", "b", "single", "gone", "gone later"])
    assert (before, await store.objects.taken(claim)) == (0, 400 + 7 + 2)
    assert {one: each.occurrences for one, each in known.items()} == {
        "a": 400,
        "b": 7,
        "single": 1,
        "gone": 0,
        "gone later": 0,
    }


@pytest.mark.servers
async def test_what_was_kept_before_occurrences_were_counted_is_counted_by_its_contents(mine: Database) -> None:
    store, objects = mine.store(), mine.client[mine.name]["objects"]
    await store.connections.follow(connected(new_id(), "cal-1"))
    (claim,) = await store.leases().claim(1)
    await store.objects.write(claim, [series("a", 400), series("b", 57), imported("single"), gone("gone", 3)])
    await objects.update_many({"_id": {"$ne": "b"}}, {"$unset": {"occurrences": ""}})

    known = await store.objects.known(claim, ["a", "single", "gone"])

    assert {one: each.occurrences for one, each in known.items()} == {"a": 400, "single": 1, "gone": 0}
    assert await store.objects.taken(claim) == 457
    assert await objects.count_documents({"occurrences": None}) == 0
    assert await store.objects.taken(claim) == 457


@pytest.mark.servers
async def test_room_is_told_without_reading_any_object(mine: Database) -> None:
    store, database = mine.store(), mine.client[mine.name]
    await store.connections.follow(connected(new_id(), "cal-1"))
    (claim,) = await store.leases().claim(1)
    await store.objects.write(claim, [*(series(f"s{n}", 3) for n in range(9)), *(imported(f"e{n}") for n in range(90))])
    await database.command("profile", 2)

    taken = await store.objects.taken(claim)

    await database.command("profile", 0)
    asked = await database["system.profile"].find({"command.aggregate": "objects"}).to_list(None)
    assert taken == 27
    assert [one["docsExamined"] for one in asked] == [0]
    assert asked[0]["keysExamined"] < 20


def series(event_id: str, count: int, **changes: Any) -> Imported:  # noqa: ANN401 - any field of it
    """A daily one."""
    start = moment("2027-03-02T10:00")
    spans = tuple((start + n * DAY, start + n * DAY + HOUR) for n in range(count))
    content = Content("uid", None, all_day=False, groups=(FactGroup(Facts(), spans[:1]), FactGroup(Facts(), spans[1:])))
    return imported(event_id, content=content, **changes)


async def test_versions_that_are_not_there_are_remembered_by_their_etags(store: Store, claim: Claim) -> None:
    never_came = Quarantine(MISSING, listed='"2"')
    await store.objects.write(claim, [imported("e1", was='"0"'), imported("e2")])

    await store.objects.write(claim, [Refresh("e1", '"3"', "basis", None), Refresh("e2", "", "basis", never_came)])

    judged, compared = await store.objects.known(claim, ["e1", "e2"]), await store.objects.of_calendar(claim, "cal-1")
    assert (judged["e1"].was, judged["e2"].quarantine) == ('"0"', never_came)
    assert [(one.was, one.quarantine) for one in sorted(compared, key=lambda one: one.event_id)] == [
        ('"0"', None),
        ("", never_came),
    ]
    (state,) = (await store.objects.newest(claim, ["e1"])).values()
    assert isinstance(state, Imported)
    assert state.was == '"0"'
