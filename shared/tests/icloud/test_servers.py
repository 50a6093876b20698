"""What the client promises, on servers that are not ours to change."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from shared.tests.icloud.scripted import Opening

from caldav_servers import NOON, Person, event
from icloud import (
    Absence,
    Account,
    AppleCredential,
    CalendarGone,
    CalendarObject,
    CredentialsRejected,
    ListedCalendar,
    Missing,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
)

pytestmark = pytest.mark.servers

DAY = timedelta(days=1)


@pytest.fixture
async def account(person: Person, opened: Opening) -> AsyncIterator[Account]:
    async with opened(person.entry, ca_file=person.ca_file) as icloud:
        yield icloud.account(person.credential)


async def home_calendar(account: Account) -> ListedCalendar:
    return next(calendar for calendar in await account.calendars() if calendar.path.endswith("/home/"))


async def test_discovery_and_listing_find_what_the_other_device_made(account: Account, person: Person) -> None:
    await person.makes_calendar("a-second-calendar")

    home = await account.discover()
    calendars = {calendar.path: calendar for calendar in await account.calendars()}

    second = calendars[f"{home.path}a-second-calendar/"]
    assert (second.name, second.writable, second.supported, second.shared) == ("A-Second-Calendar", True, True, False)
    assert second.token is not None
    assert second.ctag is not None
    assert home.path not in calendars


async def test_a_wrong_password_is_rejected(person: Person, opened: Opening) -> None:
    wrong = AppleCredential(person.credential.apple_id, "abcd-abcd-abcd-abcd")

    async with opened(person.entry, ca_file=person.ca_file) as icloud:
        with pytest.raises(CredentialsRejected):
            await icloud.account(wrong).discover()


async def test_nothing_changed_is_no_change_and_the_same_token(account: Account) -> None:
    before = await home_calendar(account)

    after = await home_calendar(account)

    assert (after.ctag, after.token) == (before.ctag, before.token)


async def test_what_the_other_device_does_is_told_by_changes(account: Account, person: Person) -> None:
    stays, moved, deleted = "stays-as-it-is-0001", "will-be-moved-00001", "will-be-deleted-001"
    await person.adds("home", {name: event(name) for name in (stays, moved, deleted)})
    calendar = await home_calendar(account)
    assert calendar.token is not None

    await person.adds("home", {"is-quite-new-000001": event("new"), moved: event(moved, NOON + DAY)})
    await person.removes("home", deleted)
    changes = await account.changes(calendar.path, calendar.token)

    assert set(changes.changed) == {
        f"{calendar.path}{name}.ics" for name in ("is-quite-new-000001", "will-be-moved-00001")
    }
    assert changes.removed == {f"{calendar.path}{deleted}.ics"}
    assert (await home_calendar(account)).ctag != calendar.ctag
    assert await account.changes(calendar.path, changes.token) == replace(changes, changed={}, removed=frozenset())


async def test_a_listing_holds_what_has_an_instance_in_the_window(account: Account, person: Person) -> None:
    days = {"before-the-window-1": -10, "inside-the-window-1": 0, "behind-the-window-1": 10}
    await person.adds("home", {name: event(name, NOON + day * DAY) for name, day in days.items()})
    calendar = await home_calendar(account)

    listed = await account.listing(calendar.path, NOON - DAY, NOON + DAY)

    assert set(listed) == {f"{calendar.path}inside-the-window-1.ics"}
    assert all(listed.values())


async def test_the_contents_hold_what_lies_outside_of_any_window_too(account: Account, person: Person) -> None:
    days = {"before-the-window-2": -400, "inside-the-window-2": 0}
    await person.adds("home", {name: event(name, NOON + day * DAY) for name, day in days.items()})
    calendar = await home_calendar(account)

    found = await account.contents(calendar.path)

    listed = await account.listing(calendar.path, NOON - DAY, NOON + DAY)
    assert {href: found[href] for href in listed} == listed
    assert set(found) == {f"{calendar.path}{name}.ics" for name in days}


async def test_objects_come_as_they_are_stored_and_those_that_are_not_there_say_so(
    account: Account, person: Person
) -> None:
    names = [f"object-number-{number:05}" for number in range(60)]
    await person.adds("home", {name: event(name, title="Zahnärztin & Co <x>") for name in names})
    calendar = await home_calendar(account)
    hrefs = [f"{calendar.path}{name}.ics" for name in [*names, "not-there-at-all-01"]]

    found = [result async for result in account.objects(calendar.path, hrefs)]

    assert [result.href for result in found] == hrefs
    assert all(
        isinstance(result, CalendarObject) and f"UID:{name}" in result.text
        for name, result in zip(names, found, strict=False)
    )
    assert all("Zahnärztin & Co <x>" in result.text for result in found if isinstance(result, CalendarObject))
    assert found[-1] == Missing(hrefs[-1], Absence.GONE)
    listed = await account.listing(calendar.path, NOON - DAY, NOON + DAY)
    assert {result.href: result.etag for result in found if isinstance(result, CalendarObject)} == listed


async def test_writing_reading_changing_deleting(account: Account) -> None:
    calendar = await home_calendar(account)
    href = f"{calendar.path}3f0c1a2b-written-9e.ics"

    await account.put(href, event("3f0c1a2b-written-9e"), if_match=None)
    created = await account.get(href)
    assert isinstance(created, CalendarObject)
    await account.put(href, event("3f0c1a2b-written-9e", NOON + DAY), if_match=created.etag)
    changed = await account.get(href)
    assert isinstance(changed, CalendarObject)
    await account.delete(href, if_match=changed.etag)
    await account.delete(href, if_match=None)

    assert "DTSTART:20261202T120000Z" in changed.text
    assert changed.etag != created.etag
    assert isinstance(await account.get(href), Missing)


async def test_a_write_never_goes_over_what_somebody_else_wrote(account: Account, person: Person) -> None:
    calendar = await home_calendar(account)
    href = f"{calendar.path}shared-by-two-00001.ics"
    await account.put(href, event("shared-by-two-00001"), if_match=None)
    known = await account.get(href)
    assert isinstance(known, CalendarObject)
    await person.adds("home", {"shared-by-two-00001": event("shared-by-two-00001", NOON + DAY)})

    with pytest.raises(PreconditionFailed):
        await account.put(href, event("shared-by-two-00001"), if_match=None)
    with pytest.raises(PreconditionFailed):
        await account.put(href, event("shared-by-two-00001"), if_match=known.etag)

    current = await account.get(href)
    assert isinstance(current, CalendarObject)
    assert "DTSTART:20261202T120000Z" in current.text


async def test_a_series_is_listed_wherever_it_has_an_instance(account: Account, person: Person) -> None:
    weekly = event("every-week-for-ever", NOON - 70 * DAY).replace("END:VEVENT", "RRULE:FREQ=WEEKLY\r\nEND:VEVENT")
    await person.adds("home", {"every-week-for-ever": weekly})
    calendar = await home_calendar(account)

    listed = await account.listing(calendar.path, NOON - DAY, NOON + DAY)

    assert set(listed) == {f"{calendar.path}every-week-for-ever.ics"}
    assert await account.listing(calendar.path, NOON + DAY, NOON + 2 * DAY) == {}


async def test_a_uid_that_another_object_of_the_calendar_holds_is_a_conflict(account: Account, person: Person) -> None:
    await person.adds("home", {"the-first-of-its-uid": event("one-uid-for-two-0001")})
    calendar = await home_calendar(account)

    with pytest.raises(PreconditionFailed, match="uid_conflict"):
        await account.put(f"{calendar.path}another-of-the-uid1.ics", event("one-uid-for-two-0001"), if_match=None)


async def test_what_is_no_calendar_object_is_refused_for_good(account: Account) -> None:
    calendar = await home_calendar(account)

    with pytest.raises(NotUnderstood, match="object_refused"):
        await account.put(f"{calendar.path}no-calendar-object1.ics", "hello", if_match=None)


async def test_a_delete_names_the_version_it_means(account: Account, person: Person) -> None:
    await person.adds("home", {"moved-by-the-person1": event("moved-by-the-person1")})
    calendar = await home_calendar(account)
    href = f"{calendar.path}moved-by-the-person1.ics"

    with pytest.raises(PreconditionFailed, match="etag"):
        await account.delete(href, if_match='"an-older-one"')

    assert isinstance(await account.get(href), CalendarObject)


async def test_a_token_that_the_server_does_not_know_is_dead(account: Account) -> None:
    calendar = await home_calendar(account)

    with pytest.raises(TokenDead):
        await account.changes(calendar.path, "HwoQEgwAAAhnever-heard-of==")


async def test_a_calendar_that_is_not_there_is_gone(account: Account) -> None:
    calendar = await home_calendar(account)
    path = calendar.path.replace("/home/", "/no-such-calendar/")

    with pytest.raises(CalendarGone):
        await account.changes(path, calendar.token or "")
    with pytest.raises(CalendarGone):
        await account.listing(path, NOON, NOON + DAY)
    with pytest.raises(CalendarGone):
        await account.contents(path)
    with pytest.raises(CalendarGone):
        await account.put(f"{path}3f0c1a2b-written-9e.ics", event("3f0c1a2b-written-9e"), if_match=None)
