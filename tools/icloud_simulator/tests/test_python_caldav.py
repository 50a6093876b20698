"""Somebody else's client, as the user's iPhone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from caldav.davclient import DAVClient
from caldav.lib import error

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.simulator import Simulator

Foreign = Any  # python-caldav types every answer as itself or a coroutine of it
_START = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.fixture
def phone(simulator: Simulator, account: SimulatedAccount) -> Iterator[Foreign]:
    with DAVClient(url=simulator.url, username=account.apple_id, password=account.app_password) as client:
        yield client


def _calendar(phone: Foreign, name: str) -> Foreign:
    return next(item for item in phone.principal().calendars() if item.get_display_name() == name)


def _add(calendar: Foreign, title: str = "Dentist", **more: Foreign) -> Foreign:
    return calendar.add_event(dtstart=_START, dtend=_START + timedelta(hours=1), summary=title, **more)


def test_it_connects_and_lists_the_calendars(admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign) -> None:
    admin.add_calendar(account.apple_id, "Privé")

    names = {item.get_display_name() for item in phone.principal().calendars()}

    assert {"Home", "Work", "Privé"} <= names


def test_it_is_refused_with_the_main_password(simulator: Simulator, account: SimulatedAccount) -> None:
    with (
        DAVClient(url=simulator.url, username=account.apple_id, password=account.main_password) as client,
        pytest.raises(error.AuthorizationError),
    ):
        client.principal().calendars()  # type: ignore[no-untyped-call]  # python-caldav types it half


def test_it_adds_an_event_and_finds_it_by_date(
    admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign
) -> None:
    calendar = _calendar(phone, "Home")

    _add(calendar)
    _add(calendar, "Weekly", rrule={"FREQ": "WEEKLY"})
    later = calendar.search(event=True, start=_START + timedelta(days=7), end=_START + timedelta(days=8), expand=False)

    assert {item.uid is not None for item in admin.objects(account.apple_id)} == {True}
    assert [str(item.icalendar_component["SUMMARY"]) for item in later] == ["Weekly"]
    assert len(calendar.events()) == 2


def test_it_moves_an_event_in_time(admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign) -> None:
    event = _add(_calendar(phone, "Home"))
    (before,) = admin.objects(account.apple_id)

    with event.edit_icalendar_component() as component:
        component["DTSTART"].dt = _START + timedelta(hours=3)
        component["DTEND"].dt = _START + timedelta(hours=4)
    event.save()

    (after,) = admin.objects(account.apple_id)
    assert after.href == before.href
    assert after.etag != before.etag
    assert "DTSTART:20261201T130000Z" in after.ics


def test_it_deletes_an_event(admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign) -> None:
    event = _add(_calendar(phone, "Home"))

    event.delete()

    assert admin.objects(account.apple_id) == []


def test_it_follows_changes_by_token(admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign) -> None:
    calendar = _calendar(phone, "Work")
    kept, gone = _add(calendar, "Kept"), _add(calendar, "Gone")
    known = calendar.objects_by_sync_token(load_objects=True)

    gone.delete()
    admin.add_event(account.apple_id, "work", "New", (_START, _START + timedelta(hours=2)))
    updated, deleted = known.sync()

    assert [str(item.icalendar_component["SUMMARY"]) for item in updated] == ["New"]
    assert [item.url for item in deleted] == [gone.url]
    assert {str(item.icalendar_component["SUMMARY"]) for item in known} == {"Kept", "New"}
    assert kept.url in {item.url for item in known}


def test_it_cannot_write_to_a_read_only_calendar(
    admin: SimulatorAdmin, account: SimulatedAccount, phone: Foreign
) -> None:
    admin.add_calendar(account.apple_id, "Theirs", access="read_only")

    with pytest.raises(error.DAVError):
        _add(_calendar(phone, "Theirs"))
