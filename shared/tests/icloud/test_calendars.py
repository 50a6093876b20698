import re

import pytest
from shared.tests.icloud.scripted import golden, multistatus, props

from icloud import ListedCalendar, NotUnderstood, TryLater
from icloud.wire.calendars import listed_calendars

HOME = "/20451177/calendars/"
CALENDAR = f"{HOME}home/"


def listed() -> dict[str, ListedCalendar]:
    found = listed_calendars(golden("calendars.xml"), home=HOME, base=HOME)
    return {calendar.path.removeprefix(HOME): calendar for calendar in found}


def test_a_home_lists_its_calendars_and_leaves_the_rest_out() -> None:
    names = {re.sub(r"^([0-9a-f]{4})\1{15}/$", r"\1…", tail): calendar.name for tail, calendar in listed().items()}

    assert names == {
        "7C0B5E6A-91F4-4D0E-8B7A-2F1C9D3E55E1/": "Privé & famille",
        "home/": "Zuhause",
        "work/": "Work",
        "tasks/": "Reminders",
        "9F21D7C4-0A35-4C1B-9E77-6B0E1A2C3D4F/": "Feiertage",
        "A0B1C2D3-1111-2222-3333-444455556666/": "Team",
        "3b7d…": "Shared read-only",
        "e19a…": "Shared writable",
    }


def test_a_calendar_of_ones_own_is_writable_and_carries_what_tells_its_changes() -> None:
    calendar = listed()["7C0B5E6A-91F4-4D0E-8B7A-2F1C9D3E55E1/"]

    assert (calendar.writable, calendar.supported, calendar.reason, calendar.shared) == (True, True, None, False)
    assert calendar.color == "#1E4C63"
    assert calendar.ctag == calendar.token == "HwoQEgwAAAhownAAAAAAAARgAAGAAiFgjQ5vDm=="


def test_subscriptions_and_reminders_are_listed_with_the_reason_why_they_are_not_supported() -> None:
    calendars = listed()

    for subscribed in ("9F21D7C4-0A35-4C1B-9E77-6B0E1A2C3D4F/", "A0B1C2D3-1111-2222-3333-444455556666/"):
        assert not calendars[subscribed].supported
        assert not calendars[subscribed].writable
        assert calendars[subscribed].reason == "subscribed"
    assert (calendars["tasks/"].supported, calendars["tasks/"].reason) == (False, "reminders")


def test_calendars_shared_to_us_are_kept_without_a_component_set_and_writable_as_their_privileges_say() -> None:
    shared = {tail[:4]: calendar for tail, calendar in listed().items() if calendar.shared}

    assert {tail: (calendar.writable, calendar.supported) for tail, calendar in shared.items()} == {
        "3b7d": (False, True),
        "e19a": (True, True),
    }
    assert shared["e19a"].ctag is None
    assert shared["e19a"].token is None


def test_a_color_that_is_none_is_left_out() -> None:
    assert listed()["work/"].color is None
    assert listed()["home/"].color == "#FF2968"


def calendar_entry(inside: str, path: str = CALENDAR) -> str:
    types = '<resourcetype><collection/><C:calendar xmlns:C="urn:ietf:params:xml:ns:caldav"/></resourcetype>'
    return f"<href>{path}</href>" + props(types + inside)


@pytest.mark.parametrize(
    "name", ["", "<displayname/>", "<displayname>None</displayname>", "<displayname>  </displayname>"]
)
def test_a_calendar_without_name_is_called_as_its_path(name: str) -> None:
    (calendar,) = listed_calendars(multistatus(calendar_entry(name)), home=HOME, base=HOME)

    assert calendar.name == "home"


def test_a_journal_is_no_calendar_of_ours() -> None:
    journal = (
        '<C:supported-calendar-component-set xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp name="VJOURNAL"/>'
        "</C:supported-calendar-component-set>"
    )

    assert listed_calendars(multistatus(calendar_entry(journal)), home=HOME, base=HOME) == []


def test_a_listing_without_anything_is_no_listing() -> None:
    with pytest.raises(NotUnderstood, match="empty_answer"):
        listed_calendars(multistatus(), home=HOME, base=HOME)


@pytest.mark.parametrize(
    "entry",
    [
        f"<href>{CALENDAR}</href><status>HTTP/1.1 503 Service Unavailable</status>",
        f"<href>{CALENDAR}</href><status>HTTP/1.1 403 Forbidden</status>",
        f"<href>{CALENDAR}</href>" + props("<resourcetype/>", 500),
    ],
)
def test_a_calendar_the_server_cannot_tell_about_makes_the_listing_worthless(entry: str) -> None:
    body = multistatus(calendar_entry("", f"{HOME}work/"), entry)

    with pytest.raises(TryLater, match="incomplete_listing"):
        listed_calendars(body, home=HOME, base=HOME)


def test_a_calendar_that_is_gone_by_its_own_status_is_not_listed() -> None:
    body = multistatus(
        f"<href>{CALENDAR}</href><status>HTTP/1.1 404 Not Found</status>", calendar_entry("", f"{HOME}work/")
    )

    (calendar,) = listed_calendars(body, home=HOME, base=HOME)

    assert calendar.path == f"{HOME}work/"


def test_a_calendar_shows_no_path_and_no_name() -> None:
    shown = repr(listed().values())

    assert "20451177" not in shown
    assert "Zuhause" not in shown
