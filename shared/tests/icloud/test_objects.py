import pytest
from shared.tests.icloud.scripted import CALENDAR, THERE, Script, Scripted, entry, page

from icloud import (
    Absence,
    Account,
    CalendarGone,
    CalendarObject,
    Missing,
    NotUnderstood,
    PreconditionFailed,
)

TEXT = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def data(name: str, text: str = TEXT) -> str:
    return entry(f"{name}.ics", text=text)


def hrefs(*names: str) -> list[str]:
    return [f"{CALENDAR}{name}.ics" for name in names]


async def fetched(account: Account, wanted: list[str]) -> list[CalendarObject | Missing]:
    return [found async for found in account.objects(CALENDAR, wanted)]


async def test_objects_come_in_order_with_those_that_did_not_come(script: Script, account: Account) -> None:
    body = page(data("B") + data("A") + entry("C.ics", 404) + data("X"))
    script.on("REPORT", CALENDAR, Scripted(body=body))

    found = await fetched(account, hrefs("A", "B", "C", "D", "A"))

    assert [type(one) for one in found] == [CalendarObject, CalendarObject, Missing, Missing]
    assert found[2:] == [Missing(f"{CALENDAR}C.ics", Absence.GONE), Missing(f"{CALENDAR}D.ics", Absence.UNANSWERED)]


async def test_objects_are_asked_fifty_at_a_time_and_then_more(script: Script, account: Account) -> None:
    first, second = ([str(number) for number in numbers] for numbers in (range(50), range(50, 120)))
    script.on("REPORT", CALENDAR, *(Scripted(body=page(*(data(name) for name in names))) for names in (first, second)))

    found = await fetched(account, hrefs(*first, *second))

    assert all(isinstance(one, CalendarObject) for one in found)
    assert [asked.body.count(b"<href>") for asked in script.asked] == [50, 70]


async def test_an_account_goes_on_with_what_its_server_took_before(script: Script, account: Account) -> None:
    names = [str(number) for number in range(60)]
    script.on("REPORT", CALENDAR, Scripted(body=page(*(data(name) for name in names))))

    await fetched(account, hrefs(*names[:50]))
    await fetched(account, hrefs(*names))

    assert [asked.body.count(b"<href>") for asked in script.asked] == [50, 60]


async def test_no_objects_are_no_request(script: Script, account: Account) -> None:
    assert await fetched(account, []) == []
    assert not script.asked


async def test_a_batch_larger_than_a_body_may_be_is_asked_in_halves(script: Script, account: Account) -> None:
    long = "X" * 4_000
    whole = Scripted(body=page("".join(data(name, long) for name in "ABCDEF")))
    halves = [Scripted(body=page("".join(data(name, long) for name in half))) for half in ("ABC", "DEF")]
    script.on("REPORT", CALENDAR, whole, *halves)

    found = await fetched(account, hrefs(*"ABCDEF"))

    assert [one.href for one in found if isinstance(one, CalendarObject)] == hrefs(*"ABCDEF")
    assert len(script.asked) == 3


async def test_one_giant_object_costs_only_itself(script: Script, account: Account) -> None:
    giant = Scripted(body=page(data("B", "X" * 30_000)))
    script.on("REPORT", CALENDAR, giant, Scripted(body=page(data("A"))), giant)

    found = await fetched(account, hrefs("A", "B"))

    assert isinstance(found[0], CalendarObject)
    assert found[1] == Missing(f"{CALENDAR}B.ics", Absence.TOO_LARGE)


async def test_objects_of_a_calendar_that_is_gone(account: Account) -> None:
    with pytest.raises(CalendarGone):
        await fetched(account, hrefs("A"))


async def test_one_object(script: Script, account: Account) -> None:
    script.on("GET", f"{CALENDAR}A.ics", Scripted(200, body=TEXT.encode(), headers={"ETag": '"a"'}))

    assert await account.get(f"{CALENDAR}A.ics") == CalendarObject(f"{CALENDAR}A.ics", '"a"', TEXT)
    assert await account.get(f"{CALENDAR}B.ics") == Missing(f"{CALENDAR}B.ics", Absence.GONE)


async def test_an_object_with_an_address_in_its_name_is_asked_in_both_forms(script: Script, account: Account) -> None:
    script.on("GET", f"{CALENDAR}jane%40x.ics", Scripted(200, body=TEXT.encode()))

    found = await account.get(f"{CALENDAR}jane@x.ics")

    assert isinstance(found, CalendarObject)
    assert script.paths() == [f"GET {CALENDAR}jane@x.ics", f"GET {CALENDAR}jane%40x.ics"]


async def test_a_web_page_is_no_object(script: Script, account: Account) -> None:
    script.on("GET", f"{CALENDAR}A.ics", Scripted(200, body=b"<html>Sign in</html>"))

    with pytest.raises(NotUnderstood, match="not_a_calendar"):
        await account.get(f"{CALENDAR}A.ics")


async def test_a_web_page_says_of_no_write_that_it_was_done(script: Script, account: Account) -> None:
    href, body = f"{CALENDAR}A.ics", b"<!DOCTYPE html>\n<HTML><p>Please try again later.</p></HTML>"
    script.on("PUT", href, Scripted(200, body=body))
    script.on("DELETE", href, Scripted(200, body=body), Scripted(404, body=body))

    with pytest.raises(NotUnderstood, match="web_page"):
        await account.put(href, TEXT, if_match=None)
    with pytest.raises(NotUnderstood, match="web_page"):
        await account.delete(href, if_match='"a"')
    await account.delete(href, if_match='"a"')


async def test_creating_never_overwrites_and_replacing_names_the_version(script: Script, account: Account) -> None:
    href = f"{CALENDAR}A.ics"
    script.on("PUT", href, Scripted(201, headers={"ETag": '"new"'}), Scripted(204))

    assert await account.put(href, TEXT, if_match=None) == '"new"'
    assert await account.put(href, TEXT, if_match='"new"') is None

    create, change = script.asked
    assert (create.headers["If-None-Match"], create.body) == ("*", TEXT.encode())
    assert change.headers["If-Match"] == '"new"'
    assert change.headers["Content-Type"] == "text/calendar; charset=utf-8"


@pytest.mark.parametrize(
    ("status", "headers", "reason"), [(412, {}, "etag"), (403, {"Location": f"{CALENDAR}Z.ics"}, "uid_conflict")]
)
async def test_a_write_over_another_state_fails(
    script: Script, account: Account, status: int, headers: dict[str, str], reason: str
) -> None:
    script.on("PUT", f"{CALENDAR}A.ics", Scripted(status, headers=headers))

    with pytest.raises(PreconditionFailed, match=reason):
        await account.put(f"{CALENDAR}A.ics", TEXT, if_match=None)


async def test_a_404_to_a_write_is_about_the_calendar_or_else_about_the_object(
    script: Script, account: Account
) -> None:
    script.on("PROPFIND", CALENDAR, Scripted(404), Scripted(body=THERE.encode()))

    with pytest.raises(CalendarGone):
        await account.put(f"{CALENDAR}A.ics", TEXT, if_match=None)
    with pytest.raises(NotUnderstood, match="object_refused"):
        await account.put(f"{CALENDAR}A.ics", TEXT, if_match=None)


async def test_deleting_what_is_gone_is_done(script: Script, account: Account) -> None:
    script.on("DELETE", f"{CALENDAR}A.ics", Scripted(204), Scripted(404))

    await account.delete(f"{CALENDAR}A.ics", if_match='"a"')
    await account.delete(f"{CALENDAR}A.ics", if_match=None)

    assert [asked.headers.get("If-Match") for asked in script.asked] == ['"a"', None]
