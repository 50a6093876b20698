"""Shapes of answers that Apple gave seldom, on some accounts or in former years; each has a file in `golden/`."""

import pytest
from shared.tests.icloud.scripted import CALENDAR, HOME, Script, Scripted, golden

from icloud import (
    Absence,
    Account,
    CalendarObject,
    ListedCalendar,
    Missing,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
)
from icloud.gate import Gate, Target
from icloud.wire import answers
from icloud.wire.calendars import listed_calendars
from icloud.wire.multistatus import conditions


def hrefs(*names: str) -> list[str]:
    return [f"{CALENDAR}{name}.ics" for name in names]


@pytest.fixture(scope="module")
def calendars() -> dict[str, ListedCalendar]:
    found = listed_calendars(golden("calendars_rare.xml"), home=HOME, base=HOME)
    return {calendar.path.removeprefix(HOME): calendar for calendar in found}


def test_only_calendars_that_are_there_are_listed(calendars: dict[str, ListedCalendar]) -> None:
    assert list(calendars) == [
        "31EB2F0A-5D4C-4F5E-9A57-0C7B1F3E2D11/",
        "nulls/",
        "family/",
        "C5D1E2F3-7788-4F00-9911-AABBCCDDEEFF/",
        "both/",
    ]


def test_what_a_404_says_does_not_wipe_what_a_200_said(calendars: dict[str, ListedCalendar]) -> None:
    calendar = calendars["31EB2F0A-5D4C-4F5E-9A57-0C7B1F3E2D11/"]

    assert calendar.ctag == "FT=-@RU=8a3b0c52-63f1-4f8a-9f0e-1d2c3b4a5f60@S=1207"
    assert (calendar.token, calendar.color, calendar.supported, calendar.writable) == (None, None, True, True)


def test_a_property_that_says_none_or_nothing_is_absent(calendars: dict[str, ListedCalendar]) -> None:
    assert calendars["31EB2F0A-5D4C-4F5E-9A57-0C7B1F3E2D11/"].name == "31EB2F0A-5D4C-4F5E-9A57-0C7B1F3E2D11"
    calendar = calendars["nulls/"]
    assert (calendar.ctag, calendar.token, calendar.color, calendar.writable) == (None, None, None, False)


def test_a_name_in_pieces_of_cdata_is_one_name(calendars: dict[str, ListedCalendar]) -> None:
    assert calendars["nulls/"].name == "R&D <Labo>"


def test_properties_that_nobody_asked_for_change_nothing(calendars: dict[str, ListedCalendar]) -> None:
    calendar = calendars["family/"]

    assert (calendar.token, calendar.ctag, calendar.color) == ("HwoQEgwAAAhfam==", "HwoQEgwAAAhfam==", "#FF2968")
    assert (calendar.writable, calendar.shared, calendar.supported) == (True, False, True)


def test_a_subscription_is_never_writable_whatever_it_claims(calendars: dict[str, ListedCalendar]) -> None:
    calendar = calendars["C5D1E2F3-7788-4F00-9911-AABBCCDDEEFF/"]

    assert (calendar.name, calendar.reason, calendar.writable) == ("Jours fériés", "subscribed", False)


def test_a_calendar_of_events_and_reminders_is_supported(calendars: dict[str, ListedCalendar]) -> None:
    assert (calendars["both/"].supported, calendars["both/"].writable) == (True, True)


def test_a_home_in_mainland_china_is_a_home() -> None:
    home, addresses = answers.home_set(golden("home_set_china.xml"), base="/8120034455/principal/")

    assert home is not None
    target = Gate(("icloud.com", "icloud.com.cn")).admit(home)
    assert (target, addresses) == (Target("https://p210-caldav.icloud.com.cn:443", "/8120034455/calendars"), ())


def test_nothing_changed_is_the_calendars_own_entry_and_a_token() -> None:
    page = answers.changes(golden("changes_none.xml"), path=CALENDAR, base=CALENDAR)

    assert (page.changed, page.removed, page.token, page.cut) == ({}, frozenset(), "HwoQEgwAAAsame==", False)


def test_a_status_may_stand_for_properties_and_a_last_word_for_all() -> None:
    page = answers.changes(golden("changes_rare.xml"), path=CALENDAR, base=CALENDAR)

    assert page.changed == dict.fromkeys(hrefs("A1", "C3", "A1 + b"), "")
    assert page.removed == set(hrefs("B2", "D4"))
    assert page.token == "HwoQEgwAAArare=="


async def test_a_page_that_was_cut_is_followed_by_the_next(script: Script, account: Account) -> None:
    pages = Scripted(body=golden("changes_cut.xml")), Scripted(body=golden("changes_rare.xml"))
    script.on("REPORT", CALENDAR, *pages)

    changes = await account.changes(CALENDAR, "HwoQEgwAAAold==")

    assert changes.changed == dict.fromkeys(hrefs("A1", "C3", "A1 + b"), "")
    assert changes.token == "HwoQEgwAAArare=="
    assert b"<sync-token>HwoQEgwAAAhalf==</sync-token>" in script.asked[1].body


def test_texts_come_through_references_and_cdata_unharmed() -> None:
    asked = frozenset(hrefs("A1", "B2", "C3", "D4", "E5"))
    found = answers.objects(golden("objects_rare.xml"), asked=asked, most=10_000, base=CALENDAR)

    one, other, *missing = (found[href] for href in hrefs("A1", "B2", "C3", "D4", "E5"))
    assert isinstance(one, CalendarObject)
    assert one.text.split("\r\n")[3] == 'SUMMARY:"Café" \N{CALENDAR} ]]> <![CDATA['
    assert one.etag == '"mdp8vzll"'
    assert isinstance(other, CalendarObject)
    assert (other.text.splitlines()[3], other.etag) == ("SUMMARY:one ]]> two", "")
    assert missing == [Missing(href, Absence.UNANSWERED) for href in hrefs("C3", "D4", "E5")]


async def test_a_dead_token_that_is_told_needs_no_second_question(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(403, body=golden("refusal_dead_token.xml")))

    with pytest.raises(TokenDead):
        await account.changes(CALENDAR, "HwoQEgwAAAold==")

    assert len(script.asked) == 1


async def test_a_uid_conflict_is_read_beside_what_else_the_refusal_says(script: Script, account: Account) -> None:
    script.on("PUT", f"{CALENDAR}A1.ics", Scripted(403, body=golden("refusal_uid_conflict.xml")))

    with pytest.raises(PreconditionFailed, match="uid_conflict"):
        await account.put(f"{CALENDAR}A1.ics", "x", if_match=None)


async def test_a_page_of_the_web_front_names_no_precondition(script: Script, account: Account) -> None:
    script.on("PUT", f"{CALENDAR}A1.ics", Scripted(400, body=golden("refusal_page.html")))

    with pytest.raises(NotUnderstood, match="object_refused"):
        await account.put(f"{CALENDAR}A1.ics", "x", if_match=None)

    assert conditions(golden("refusal_page.html")) == frozenset()


async def test_an_empty_answer_lists_no_home_proves_no_calendar_and_carries_no_token(
    script: Script, account: Account
) -> None:
    nothing = Scripted(body=golden("empty.xml"))
    script.on("PROPFIND", HOME, nothing)
    script.on("REPORT", CALENDAR, nothing)

    with pytest.raises(NotUnderstood, match="empty_answer"):
        await account.calendars()
    with pytest.raises(NotUnderstood, match="no_sync_token"):
        await account.changes(CALENDAR, "HwoQEgwAAAold==")
    assert [found async for found in account.objects(CALENDAR, hrefs("A1"))] == [Missing(hrefs("A1")[0])]
