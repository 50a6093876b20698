"""An object whose name is odd is an object like any other, or at worst costs itself alone."""

from datetime import UTC, datetime

import pytest
from shared.tests.icloud.scripted import CALENDAR, HOME, Script, Scripted, entry, multistatus, page, props

from icloud import (
    Absence,
    Account,
    CalendarObject,
    Missing,
    NotUnderstood,
)

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
TEXT = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
ITSELF = entry("")
# As one server writes it, as another does, and the href.
ODD = {
    "item%2F7%40example.com.ics": ("item%2f7@example.com.ics", "item%2F7@example.com.ics"),
    "Termin%C2%A01.ics": ("Termin%c2%a01.ics", "Termin\u00a01.ics"),
    "x%09y.ics": ("x%09y%2Eics", "x%09y.ics"),
    "100%25.ics": ("%31%30%30%25.ics", "100%.ics"),
    "a%252Fb.ics": ("%61%252Fb.ics", "a%252Fb.ics"),
    "who%3F%231.ics": ("who%3f%231.ics", "who?#1.ics"),
    "%FF.ics": ("%ff.ics", "%FF.ics"),
    "caf%C3%A9.ics": ("caf\u00e9.ics", "caf\u00e9.ics"),
    "cafe%CC%81.ics": ("cafe\u0301.ics", "cafe\u0301.ics"),
    "a;b.ics": ("a%3Bb.ics", "a;b.ics"),
}
HREFS = [f"{CALENDAR}{href}" for _, href in ODD.values()]
NOWHERE = ("%2e%2e/work/A.ics", "..%2Fwork%2FA.ics", "B.ics?", "a" * 3_000)


async def fetched(account: Account, hrefs: list[str]) -> list[CalendarObject | Missing]:
    return [found async for found in account.objects(CALENDAR, hrefs)]


@pytest.mark.parametrize("server", [0, 1])
async def test_odd_names_are_listed_beside_the_others(script: Script, account: Account, server: int) -> None:
    named = "".join(entry((one, others[0])[server]) for one, others in ODD.items())
    body = Scripted(body=page(ITSELF + entry("A.ics") + named + entry("Z.ics"), token="t1"))
    script.on("REPORT", CALENDAR, body)
    script.on("PROPFIND", CALENDAR, body)
    all_of_them = {f"{CALENDAR}A.ics", *HREFS, f"{CALENDAR}Z.ics"}

    assert set((await account.changes(CALENDAR, "t0")).changed) == all_of_them
    assert set(await account.listing(CALENDAR, START, END)) == all_of_them
    assert set(await account.contents(CALENDAR)) == all_of_them


async def test_odd_names_are_removed_by_name(script: Script, account: Account) -> None:
    body = page(*(entry(other, 404) for other, _ in ODD.values()), token="t1")
    script.on("REPORT", CALENDAR, Scripted(body=body))

    assert (await account.changes(CALENDAR, "t0")).removed == set(HREFS)


async def test_objects_with_odd_names_come_whatever_way_the_server_writes_them(
    script: Script, account: Account
) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=page(*(entry(other, text=TEXT) for other, _ in ODD.values()))))

    found = await fetched(account, HREFS)

    assert [one.href for one in found if isinstance(one, CalendarObject)] == HREFS
    (asked,) = script.asked
    for name in ODD:
        assert f"<href>{CALENDAR}{name.replace('%40', '@').replace(';', '%3B')}</href>".encode() in asked.body


@pytest.mark.parametrize("name", ODD)
async def test_an_object_with_an_odd_name_is_got_written_and_deleted_by_it(
    script: Script, account: Account, name: str
) -> None:
    href, wire = f"{CALENDAR}{ODD[name][1]}", f"{CALENDAR}{name.replace('%40', '@').replace(';', '%3B')}"
    for method, answer in {"GET": Scripted(200, TEXT.encode()), "PUT": Scripted(201), "DELETE": Scripted(204)}.items():
        script.on(method, wire, answer)

    assert await account.get(href) == CalendarObject(href, "", TEXT)
    await account.put(href, TEXT, if_match=None)
    await account.delete(href, if_match=None)

    assert script.paths() == [f"{method} {wire}" for method in ("GET", "PUT", "DELETE")]


@pytest.mark.parametrize("name", NOWHERE)
async def test_a_name_that_leads_nowhere_costs_itself_alone(script: Script, account: Account, name: str) -> None:
    listed = Scripted(body=page(ITSELF + entry("A.ics") + entry(name) + entry("Z.ics"), token="t1"))
    script.on("REPORT", CALENDAR, listed, listed, Scripted(body=page(*(entry(one, text=TEXT) for one in "AZ"))))
    script.on("PROPFIND", CALENDAR, listed)
    known = {f"{CALENDAR}A.ics", f"{CALENDAR}Z.ics"}

    changed = (await account.changes(CALENDAR, "t0")).changed
    windowed = await account.listing(CALENDAR, START, END)
    contents = await account.contents(CALENDAR)

    (odd,) = changed.keys() - known
    assert changed.keys() == windowed.keys() == contents.keys() == {*known, odd}
    script.asked.clear()
    found = await fetched(account, [odd, *sorted(known)])
    assert found[0] == Missing(odd, Absence.REFUSED)
    assert [one.href for one in found] == [odd, *sorted(known)]
    assert odd.rpartition("/")[2].encode() not in script.asked[0].body


async def test_a_name_that_leads_nowhere_is_never_asked(script: Script, account: Account) -> None:
    script.on("REPORT", CALENDAR, Scripted(body=page(entry(NOWHERE[0]), token="t1")))
    (odd,) = (await account.changes(CALENDAR, "t0")).changed
    script.asked.clear()

    assert await fetched(account, [odd]) == [Missing(odd, Absence.REFUSED)]
    assert await account.get(odd) == Missing(odd, Absence.REFUSED)
    for asking in (account.put(odd, TEXT, if_match=None), account.delete(odd, if_match=None)):
        with pytest.raises(NotUnderstood, match="strange_href"):
            await asking

    assert not script.asked


async def test_what_leads_nowhere_is_one_thing_until_it_is_removed(script: Script, account: Account) -> None:
    there, gone = (page(*(entry(name, status) for name in NOWHERE), token="t") for status in (None, 404))
    script.on("REPORT", CALENDAR, Scripted(body=there), Scripted(body=gone))

    changed = (await account.changes(CALENDAR, "t0")).changed

    assert len(changed) == len(NOWHERE)
    assert (await account.changes(CALENDAR, "t1")).removed == changed.keys()


async def test_what_belongs_to_another_calendar_is_refused_whatever_its_name(script: Script, account: Account) -> None:
    for href in (f"{HOME}work/a%2Fb.ics", f"{CALENDAR}../work/A.ics", "/etc/passwd"):
        body = multistatus(f"<href>{href}</href>{props('<getetag>a</getetag>')}", tail="<sync-token>t</sync-token>")
        script.on("REPORT", CALENDAR, Scripted(body=body))

        with pytest.raises(NotUnderstood, match="wrong_calendar"):
            await account.changes(CALENDAR, "t0")


async def test_a_calendar_that_leads_nowhere_costs_itself_alone(script: Script, account: Account) -> None:
    kind = props('<resourcetype><collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></resourcetype>')
    names = ("home/", "a%2Fb/", "%2e%2e/")
    script.on("PROPFIND", HOME, Scripted(body=multistatus(*(f"<href>{HOME}{name}</href>{kind}" for name in names))))

    home, slashed, nowhere = [calendar.path for calendar in await account.calendars()]

    assert (home, slashed) == (CALENDAR, f"{HOME}a%2Fb/")
    script.asked.clear()
    with pytest.raises(NotUnderstood, match="strange_href"):
        await account.changes(nowhere, "t0")
    with pytest.raises(NotUnderstood, match="strange_href"):
        await account.listing(nowhere, START, END)
    assert await fetched(account, [f"{nowhere}A.ics"]) == [Missing(f"{nowhere}A.ics", Absence.REFUSED)]
    assert not script.asked
