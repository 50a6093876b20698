"""The one door through which anything is written into iCloud."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import sync_worker
from contracts.facts import Access
from icloud import ListedCalendar, calendar_id
from sync_worker.application.claim import Claim
from sync_worker.application.linked_calendar import LinkedCalendar, NotOurs, WritesRefused
from sync_worker.domain.exports import Failure
from worker_appointments import Desk
from worker_stage import CONNECTION, Stage

SOURCE = Path(sync_worker.__file__).parent


async def claim_and_listing(desk: Desk) -> tuple[Claim, dict[str, ListedCalendar]]:
    await desk.open()
    listed = {calendar_id(CONNECTION, one.path): one for one in await desk.stage.icloud.calendars()}
    return await desk.stage.claim(), listed


@pytest.mark.parametrize(
    ("exports", "failure"),
    [
        ({"access": Access.READ_ONLY}, None),
        ({"linked_calendar_id": None}, None),
        ({"linked_calendar_id": "no-such"}, Failure.CALENDAR_GONE),
    ],
)
async def test_there_is_no_door_without_access_and_a_linked_calendar(
    exports: dict[str, object], failure: Failure | None
) -> None:
    desk = Desk(Stage())
    claim, listed = await claim_and_listing(desk)
    forbidden = replace(claim, exports=replace(claim.exports, **exports))  # type: ignore[arg-type]  # each fits its field

    with pytest.raises(WritesRefused) as refused:
        LinkedCalendar(desk.stage.icloud, forbidden, listed, desk.stage.store.appointments)

    assert refused.value.failure is failure


@pytest.mark.parametrize("what", ["writable", "supported"])
async def test_there_is_no_door_into_a_calendar_that_the_home_shows_as_closed(what: str) -> None:
    desk = Desk(Stage())
    claim, listed = await claim_and_listing(desk)
    closed = {one: replace(each, **{what: False}) for one, each in listed.items()}  # type: ignore[arg-type]  # both are bool

    with pytest.raises(WritesRefused) as refused:
        LinkedCalendar(desk.stage.icloud, claim, closed, desk.stage.store.appointments)

    assert refused.value.failure is Failure.CALENDAR_READ_ONLY


async def test_only_what_bears_our_name_is_touched_and_written_in_the_linked_calendar_alone() -> None:
    desk = Desk(Stage())
    door = LinkedCalendar(desk.stage.icloud, *await claim_and_listing(desk), desk.stage.store.appointments)

    for href in (
        f"{desk.home.path}theirs.ics",
        f"{desk.work.path}crococlick-a.ics",
        "/2/calendars/home/crococlick-a.ics",
    ):
        with pytest.raises(NotOurs):
            await door.put(href, "", if_match=None)
    for href in (f"{desk.home.path}theirs.ics", "/2/calendars/home/crococlick-a.ics"):
        with pytest.raises(NotOurs):
            await door.delete(href, if_match='"1"')

    assert desk.stage.icloud.writes() == []


def test_nobody_else_calls_what_writes() -> None:
    """By name: `put` and `delete` of an account are called in one module."""
    callers = set()
    for module in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("account.put", "account.delete")):
                callers.add(module.name)

    assert callers == {"linked_calendar.py"}


def test_who_opens_an_account_hands_it_to_the_door_or_to_who_only_reads() -> None:
    writable = {module.name for module in SOURCE.rglob("*.py") if "WritableAccount" in module.read_text()}

    assert writable == {"accounts.py", "linked_calendar.py", "export_appointments.py"}
