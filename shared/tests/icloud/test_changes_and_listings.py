from datetime import UTC, datetime

import pytest
from shared.tests.icloud.scripted import CALENDAR, THERE, Script, Scripted, entry, golden, page

from icloud import (
    Account,
    CalendarGone,
    Forbidden,
    NotUnderstood,
    TokenDead,
    TryLater,
)

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


async def test_changes_since_a_token(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=golden("changes.xml")))

    changes = await account.changes(CALENDAR, "HwoQold==")

    assert set(changes.changed) == {f"{CALENDAR}{name}.ics" for name in ("A1", "C3", "jane@example.com")}
    assert changes.removed == {f"{CALENDAR}B2.ics"}
    assert changes.token == "HwoQEgwAAAnew=="


async def test_changes_in_pages_are_one_answer(script: Script, account: Account) -> None:
    first = page(entry("A.ics") + entry("B.ics") + entry("C.ics", 404) + entry("", 507), token="t1")
    second = page(entry("B.ics", 404) + entry("C.ics") + entry("D.ics"), token="t2")
    script.on("REPORT", CALENDAR, Scripted(body=first), Scripted(body=second))

    changes = await account.changes(CALENDAR, "t0")

    assert set(changes.changed) == {f"{CALENDAR}{name}.ics" for name in "ACD"}
    assert changes.removed == {f"{CALENDAR}B.ics"}
    assert changes.token == "t2"
    assert [b"t0" in asked.body or b"t1" in asked.body for asked in script.asked] == [True, True]


async def test_a_server_that_cuts_without_getting_on_is_not_followed_for_ever(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=page(entry("", 507), token="t0")))

    with pytest.raises(NotUnderstood, match="no_progress"):
        await account.changes(CALENDAR, "t0")


async def test_a_dead_token_that_the_server_names_costs_no_second_question(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(403, body=b'<error xmlns="DAV:"><valid-sync-token/></error>'))

    with pytest.raises(TokenDead):
        await account.changes(CALENDAR, "t0")

    assert len(script.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 412])
async def test_a_bare_refusal_means_a_dead_token_if_the_calendar_is_there(
    script: Script, account: Account, status: int
) -> None:
    script.on("REPORT", CALENDAR, Scripted(status))
    script.on("PROPFIND", CALENDAR, Scripted(body=THERE.encode()))

    with pytest.raises(TokenDead):
        await account.changes(CALENDAR, "t0")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, CalendarGone), (410, CalendarGone), (403, Forbidden), (503, TryLater), (200, NotUnderstood)],
)
async def test_a_bare_refusal_means_what_the_calendar_says_otherwise(
    script: Script, account: Account, status: int, error: type[Exception]
) -> None:
    script.on("REPORT", CALENDAR, Scripted(403))
    script.on("PROPFIND", CALENDAR, Scripted(status))

    with pytest.raises(error):
        await account.changes(CALENDAR, "t0")


async def test_a_refusal_inside_of_a_multistatus_is_a_dead_token_too(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=page(entry("", 403), token="t")))
    script.on("PROPFIND", CALENDAR, Scripted(body=THERE.encode()))

    with pytest.raises(TokenDead):
        await account.changes(CALENDAR, "t0")


async def test_more_changes_than_a_body_may_hold_are_to_be_listed_instead(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=page(entry("A.ics") * 500, token="t1")))

    with pytest.raises(TokenDead):
        await account.changes(CALENDAR, "t0")


async def test_a_listing_of_a_window(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=golden("listing.xml")))

    assert await account.listing(CALENDAR, START, END) == {
        f"{CALENDAR}A1.ics": '"mdp8vzll"',
        f"{CALENDAR}D4.ics": '"mdp8w0zz"',
    }


@pytest.mark.parametrize("form", ["status", "inside", "size"])
async def test_a_window_with_too_much_in_it_is_asked_in_halves(script: Script, account: Account, form: str) -> None:
    too_much = {
        "status": Scripted(507, body=b'<error xmlns="DAV:"><number-of-matches-within-limits/></error>'),
        "inside": Scripted(body=page(entry("", 507))),
        "size": Scripted(body=page(entry("Z.ics") * 500)),
    }[form]
    early, late = (
        Scripted(body=page(entry("A.ics") + entry("M.ics"))),
        Scripted(body=page(entry("M.ics") + entry("Z.ics"))),
    )
    script.on("REPORT", CALENDAR, too_much, early, late)

    found = await account.listing(CALENDAR, START, END)

    assert set(found) == {f"{CALENDAR}{name}.ics" for name in "AMZ"}
    windows = [asked.body.partition(b"<C:time-range ")[2].partition(b"/>")[0] for asked in script.asked]
    assert windows[1:] == [
        b'start="20261101T000000Z" end="20261116T000000Z"',
        b'start="20261116T000000Z" end="20261201T000000Z"',
    ]


async def test_a_server_that_finds_every_window_too_large_is_not_asked_for_ever(
    script: Script, account: Account
) -> None:
    script.on("REPORT", CALENDAR, Scripted(507))

    with pytest.raises(NotUnderstood, match="too_many_matches"):
        await account.listing(CALENDAR, START, END)

    assert len(script.asked) < 260


async def test_the_contents_of_a_calendar_are_all_that_lies_in_it(script: Script, account: Account) -> None:
    script.on(
        "PROPFIND", CALENDAR, Scripted(body=page(entry("") + entry("A.ics") + entry("B.ics") + entry("C.ics", 404)))
    )

    found = await account.contents(CALENDAR)

    assert set(found) == {f"{CALENDAR}{name}.ics" for name in "AB"}
    (asked,) = script.asked
    assert asked.headers["Depth"] == "1"
    assert b"getetag" in asked.body


async def test_contents_that_do_not_speak_of_the_calendar_itself_are_no_answer(
    script: Script, account: Account
) -> None:
    script.on("PROPFIND", CALENDAR, Scripted(body=page("")))

    with pytest.raises(NotUnderstood, match="empty_answer"):
        await account.contents(CALENDAR)


@pytest.mark.parametrize(("status", "error"), [(404, CalendarGone), (403, Forbidden), (503, TryLater)])
async def test_what_becomes_of_a_calendar_is_told_when_its_contents_are_asked(
    script: Script, account: Account, status: int, error: type[Exception]
) -> None:
    script.on("PROPFIND", CALENDAR, Scripted(status))

    with pytest.raises(error):
        await account.contents(CALENDAR)


@pytest.mark.parametrize("form", ["status", "size"])
async def test_contents_that_are_too_much_for_one_answer_come_in_pages(
    script: Script, account: Account, form: str
) -> None:
    too_much = {"status": Scripted(507), "size": Scripted(body=page(entry("Z.ics") * 500))}[form]
    script.on("PROPFIND", CALENDAR, too_much)
    first, second = page(entry("A.ics") + entry("", 507), token="t1"), page(entry("B.ics"), token="t2")
    script.on("REPORT", CALENDAR, Scripted(body=first), Scripted(body=second))

    found = await account.contents(CALENDAR)

    assert set(found) == {f"{CALENDAR}{name}.ics" for name in "AB"}


async def test_contents_that_are_too_much_for_any_answer_are_not_understood(script: Script, account: Account) -> None:
    too_much = Scripted(body=page(entry("Z.ics") * 500, token="t"))
    script.on("PROPFIND", CALENDAR, too_much)
    script.on("REPORT", CALENDAR, too_much)

    with pytest.raises(NotUnderstood, match="too_many_matches"):
        await account.contents(CALENDAR)
