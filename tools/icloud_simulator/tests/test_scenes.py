"""What the user does on the iPhone, as a CalDAV client gets to see it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator

_START = datetime(2026, 12, 1, 10, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_SPAN = (_START, _START + _HOUR)
_SERIES_WITH_EXCEPTIONS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:daily\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nRRULE:FREQ=DAILY;COUNT=10\r\n"
    "EXDATE:20261203T100000Z,20261209T100000Z\r\nRDATE:20261220T100000Z\r\n"
    "BEGIN:VALARM\r\nUID:alarm\r\nACTION:DISPLAY\r\nTRIGGER:-PT30M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:daily\r\nRECURRENCE-ID:20261202T100000Z\r\nDTSTART:20261202T150000Z\r\n"
    "DTEND:20261202T160000Z\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:daily\r\nRECURRENCE-ID:20261208T100000Z\r\nDTSTART:20261208T150000Z\r\n"
    "DTEND:20261208T160000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@dataclass
class _Eyes:
    """A client that looks at one calendar now and then, by token and multiget."""

    probe: Probe
    path: str
    token: str = field(init=False)

    def __post_init__(self) -> None:
        _, self.token = self.probe.changes(self.path)

    def look(self) -> dict[str, str | None]:
        """Return what changed since the last look: unfolded texts by href, None for what is gone."""
        listed, self.token = self.probe.changes(self.path, self.token)
        changed = [item for item in listed if item.path != self.path]
        there = [item.path for item in changed if item.status is None]
        texts = {item.path: _unfolded(item.text("c:calendar-data")) for item in self.probe.multiget(self.path, *there)}
        return {item.path: texts.get(item.path) for item in changed}

    def hours(self, days: int = 22) -> dict[str, list[tuple[int, int]]]:
        """Return day and hour of each occurrence in the days from the first of December, found by queries."""
        found: dict[str, list[tuple[int, int]]] = {}
        for day in range(days):
            for hour in (10, 15):
                at = _START.replace(hour=hour) + timedelta(days=day)
                for item in self.probe.query(self.path, *(f"{moment:%Y%m%dT%H%M%SZ}" for moment in (at, at + _HOUR))):
                    if item.path != self.path:
                        found.setdefault(item.path, []).append((at.day, hour))
        return found


def _unfolded(text: str) -> str:
    return text.replace("\r\n ", "")


@pytest.fixture
def eyes(probe: Probe, home: str) -> _Eyes:
    return _Eyes(probe, home)


def _add(admin: SimulatorAdmin, account: SimulatedAccount, title: str = "Dentist", **wish: object) -> tuple[str, str]:
    href = admin.add_event(account.apple_id, "home", title, _SPAN, **wish)
    return href, href.rpartition("/")[2]


def test_an_added_event_is_seen(admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes) -> None:
    href, _ = _add(admin, account)

    seen = eyes.look()

    assert list(seen) == [href]
    assert "SUMMARY:Dentist\r\nSEQUENCE:0" in str(seen[href])
    assert eyes.look() == {}


def test_a_moved_event_is_seen_at_its_new_time_alone(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes
) -> None:
    href, name = _add(admin, account)
    eyes.look()

    later = _START + timedelta(days=1, hours=5)
    admin.change_event(account.apple_id, "home", name, start=later, end=later + _HOUR)

    assert "DTSTART:20261202T150000Z\r\n" in str(eyes.look()[href])
    assert eyes.hours(days=3) == {href: [(2, 15)]}


def test_an_event_that_is_moved_to_midnight_is_no_all_day_event(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes
) -> None:
    href, name = _add(admin, account)
    midnight = _START.replace(hour=0) + timedelta(days=1)

    admin.change_event(account.apple_id, "home", name, start=midnight, end=midnight + _HOUR)

    assert "DTSTART:20261202T000000Z\r\n" in str(eyes.look()[href])


@pytest.mark.parametrize("original", ["future", "past"])
def test_a_split_series_is_two_objects_with_every_occurrence_once(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes, original: str
) -> None:
    href = admin.put_object(account.apple_id, "home", "daily.ics", _SERIES_WITH_EXCEPTIONS)
    eyes.look()
    (before,) = eyes.hours().values()

    future, past = admin.split_series(
        account.apple_id, "home", "daily.ics", at=_START + timedelta(days=5), original=original
    )
    seen, hours = eyes.look(), eyes.hours()

    assert set(seen) == {future, past}
    assert href == (future if original == "future" else past)
    assert "UID:daily\r\n" in str(seen[href])
    assert all("X-CALENDARSERVER-RECURRENCE-SET" in str(text) for text in seen.values())
    assert all(text is not None and "UID:alarm\r\n" in text for text in seen.values())
    assert all(len({uid for uid in _uids(str(text)) if uid != "alarm"}) == 1 for text in seen.values())
    assert hours[past] == [(1, 10), (2, 15), (4, 10), (5, 10)]
    assert hours[future] == [(6, 10), (7, 10), (8, 15), (10, 10), (20, 10)]
    assert sorted(before) == sorted(hours[past] + hours[future])


def _uids(text: str) -> list[str]:
    return [line.removeprefix("UID:") for line in text.split("\r\n") if line.startswith("UID:")]


def test_a_declined_invitation_stays_as_declined(admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes) -> None:
    href, name = _add(admin, account, partstat="NEEDS-ACTION", organizer="boss@example.com")
    eyes.look()

    admin.change_event(account.apple_id, "home", name, partstat="DECLINED", transparent=True)
    text = str(eyes.look()[href])

    assert f"PARTSTAT=DECLINED;RSVP=TRUE:mailto:{account.apple_id}" in text
    assert "PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:boss@example.com" in text
    assert "TRANSP:TRANSPARENT" in text


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"transparent": True}, "TRANSP:TRANSPARENT"),
        ({"status": "CANCELLED"}, "STATUS:CANCELLED"),
        ({"travel_minutes": 45}, "X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT45M"),
        ({"start": date(2026, 12, 1), "end": date(2026, 12, 2)}, "DTSTART;VALUE=DATE:20261201"),
    ],
    ids=["marked free", "cancelled", "with travel time", "all-day"],
)
def test_what_decides_about_busy_is_seen(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes, change: dict[str, object], line: str
) -> None:
    href, name = _add(admin, account)
    before = str(eyes.look()[href])

    admin.change_event(account.apple_id, "home", name, **change)
    after = str(eyes.look()[href])

    assert line not in before.split("\r\n")
    assert line in after.split("\r\n")


def test_a_lost_removal_is_seen_by_those_alone_who_list_everything(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes, probe: Probe, home: str
) -> None:
    _, name = _add(admin, account)
    eyes.look()
    ctag = probe.propfind(home, "cs:getctag")[0].text("cs:getctag")

    admin.delete_object(account.apple_id, "home", name, trace="unlogged")

    assert probe.propfind(home, "cs:getctag")[0].text("cs:getctag") != ctag
    assert eyes.look() == {}
    assert [item.path for item in probe.changes(home)[0]] == [home]


def test_an_emptied_calendar_names_every_object_as_gone(
    admin: SimulatorAdmin, account: SimulatedAccount, eyes: _Eyes, probe: Probe, home: str
) -> None:
    hrefs = [_add(admin, account, f"{n}")[0] for n in range(3)]
    eyes.look()

    admin.empty_calendar(account.apple_id, "home")

    assert eyes.look() == dict.fromkeys(hrefs)
    assert [item.path for item in probe.query(home, "20260101T000000Z", "20270101T000000Z")] == [home]


@pytest.mark.parametrize(("access", "status"), [("read_only", 403), ("read_write", 201)])
def test_a_shared_calendar_comes_works_and_goes(
    admin: SimulatorAdmin, simulator: Simulator, account: SimulatedAccount, eyes: _Eyes, access: str, status: int
) -> None:
    guest = admin.create_account()
    there = Probe(simulator.url, guest.apple_id, guest.app_password)
    name = _add(admin, account)[1]
    eyes.look()

    path = str(admin.share_calendar(account.apple_id, "home", guest=guest.apple_id, access=access)["path"])
    shared = [client.propfind(where, "d:resourcetype")[0] for client, where in ((eyes.probe, eyes.path), (there, path))]
    read = there.multiget(path, path + name)[0].text("c:calendar-data")
    written = there.put(f"{path}theirs.ics", _SERIES_WITH_EXCEPTIONS).status_code
    removed = there.send("DELETE", path + name).status_code
    seen = eyes.look()
    admin.unshare_calendar(account.apple_id, "home", guest=guest.apple_id)
    after = there.send("PROPFIND", path, depth="0").status_code
    there.close()

    kinds = [item.tags("d:resourcetype") & {"cs:shared", "cs:shared-owner"} for item in shared]
    assert kinds == [{"cs:shared-owner"}, {"cs:shared"}]
    assert "SUMMARY:Dentist" in read
    assert written == status
    assert removed == (403 if access == "read_only" else 204)
    assert set(seen) == (set() if access == "read_only" else {f"{eyes.path}theirs.ics", eyes.path + name})
    assert after == 404
    assert "cs:shared-owner" not in eyes.probe.propfind(eyes.path, "d:resourcetype")[0].tags("d:resourcetype")
