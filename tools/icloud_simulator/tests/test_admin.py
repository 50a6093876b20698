"""The user's iPhone, and the admin API itself."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.occurrences import Times, Window
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator

_START = datetime(2026, 12, 1, 10)  # noqa: DTZ001 - a wall clock; its zone goes beside it
_HOUR = timedelta(hours=1)


def _ics(admin: SimulatorAdmin, account: SimulatedAccount, href: str) -> str:
    return next(item.ics for item in admin.objects(account.apple_id) if item.href == href)


def _name(href: str) -> str:
    return href.rpartition("/")[2]


def test_events_are_written_as_apple_writes_them(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    href = admin.add_event(
        account.apple_id,
        "home",
        "Dentiste, 2e étage",
        (_START, _START + _HOUR),
        time_zone="Europe/Paris",
        rule="FREQ=WEEKLY",
        travel_minutes=90,
        location="12 rue de Rivoli, 75004 Paris, avec une adresse assez longue pour être pliée",
    )
    text = _ics(admin, account, href)

    lines = text.split("\r\n")
    unfolded = text.replace("\r\n ", "")
    assert "DTSTART;TZID=Europe/Paris:20261201T100000" in lines
    assert "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT1H30M" in lines
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert "SUMMARY:Dentiste\\, 2e étage" in lines
    assert "LOCATION:12 rue de Rivoli\\, 75004 Paris\\, avec une adresse assez longue pour être pliée" in unfolded
    assert max(len(line.encode()) for line in lines) <= 75


def test_all_day_events_are_free_unless_wished_otherwise(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    day = date(2026, 12, 24)
    span = (day, day + timedelta(days=1))

    free = _ics(admin, account, admin.add_event(account.apple_id, "home", "Off", span))
    busy = _ics(admin, account, admin.add_event(account.apple_id, "home", "Off", span, transparent=False))

    assert "DTSTART;VALUE=DATE:20261224" in free
    assert "TRANSP:TRANSPARENT" in free
    assert "TRANSP:OPAQUE" in busy


def test_the_user_moves_declines_and_frees_an_event(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    invited = {"partstat": "NEEDS-ACTION", "organizer": "boss@example.com", "time_zone": "Europe/Paris"}
    href = admin.add_event(account.apple_id, "work", "Meeting", (_START, _START + _HOUR), **invited)

    admin.change_event(account.apple_id, "work", _name(href), partstat="DECLINED", transparent=True)
    later = _START.replace(tzinfo=UTC) + timedelta(hours=4)
    admin.change_event(account.apple_id, "work", _name(href), start=later, end=later + _HOUR, travel_minutes=20)
    text = _ics(admin, account, href).replace("\r\n ", "")

    assert f"PARTSTAT=DECLINED;RSVP=TRUE:mailto:{account.apple_id}" in text
    assert "PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:boss@example.com" in text
    assert "DTSTART;TZID=Europe/Paris:20261201T150000" in text
    assert "DTEND;TZID=Europe/Paris:20261201T160000" in text
    assert "TRANSP:TRANSPARENT" in text
    assert "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT20M" in text
    assert "SEQUENCE:2" in text
    assert text.count("DTSTART;TZID") == 1


def test_splitting_a_series_keeps_every_occurrence_once(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    href = admin.add_event(account.apple_id, "work", "Daily", (_START, _START + _HOUR), rule="FREQ=DAILY;COUNT=10")
    cut = _START.replace(tzinfo=UTC) + timedelta(days=4)

    future, past = admin.split_series(account.apple_id, "work", _name(href), at=cut)
    objects = {item.href: item for item in admin.objects(account.apple_id)}

    def days(where: str) -> list[int]:
        times = Times(objects[where].ics)
        starts = (_START.replace(tzinfo=UTC) + timedelta(days=day) for day in range(12))
        return [day for day, start in enumerate(starts) if times.in_range(Window(start, start + _HOUR))]

    assert future == href
    assert days(past) == [0, 1, 2, 3]
    assert days(future) == [4, 5, 6, 7, 8, 9]
    assert objects[past].uid != objects[future].uid
    assert "RELTYPE=X-CALENDARSERVER-RECURRENCE-SET" in objects[past].ics.replace("\r\n ", "")


def test_requests_are_counted_with_their_bytes(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    start = max((item.number for item in admin.requests()), default=0)
    probe.propfind(account.home, "d:displayname", depth="1")
    probe.changes(home)

    seen = admin.requests(account.apple_id, since=start)
    totals = {item["kind"]: item for item in admin.totals() if item["account"] == account.apple_id}

    assert [(item.method, item.kind, item.status) for item in seen] == [
        ("PROPFIND", "", 207),
        ("REPORT", "sync-collection", 207),
    ]
    assert all(item.bytes_in > 50 and item.bytes_out > 100 for item in seen)
    assert totals["sync-collection"]["requests"] == 1
    assert totals["PROPFIND"]["bytes_out"] == seen[0].bytes_out


def test_answers_are_packed_for_those_who_ask(probe: Probe, account: SimulatedAccount) -> None:
    packed = probe.send("PROPFIND", account.home, depth="1", accept_encoding="gzip")
    plain = probe.send("PROPFIND", account.home, depth="1", accept_encoding="identity")

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_unknown_and_taken_things_are_told_apart(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    for call, status in (
        (lambda: admin.account("nobody@icloud.com"), 404),
        (lambda: admin.create_account(account.apple_id), 409),
        (lambda: admin.add_calendar(account.apple_id, "x", path_id="home"), 409),
        (lambda: admin.delete_object(account.apple_id, "home", "gone.ics"), 404),
        (lambda: admin.revoke_app_password(account.apple_id, "aaaa-bbbb-cccc-dddd"), 404),
        (lambda: admin.change_event(account.apple_id, "nowhere", "a.ics", title="x"), 404),
    ):
        with pytest.raises(httpx.HTTPStatusError, match=str(status)):
            call()


def test_the_api_describes_itself(simulator: Simulator, admin: SimulatorAdmin) -> None:
    document = httpx.get(f"{simulator.admin_url}/openapi.json", trust_env=False).json()

    assert admin.health()["caldav_url"] == simulator.url
    assert "/v1/accounts/{apple_id}/calendars/{path_id}/events" in document["paths"]
    assert all(
        operation["summary"] and operation["description"]
        for path in document["paths"].values()
        for operation in path.values()
    )
