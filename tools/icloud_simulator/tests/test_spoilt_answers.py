import time

import httpx
import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe

_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _status(probe: Probe) -> int:
    return probe.send("PROPFIND", "/", depth="0").status_code


def test_resets_and_cuts_break_the_connection(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    admin.set_faults(account.apple_id, reset=1)
    with pytest.raises(httpx.ReadError):
        _status(probe)
    admin.set_faults(account.apple_id, cut=1)
    with pytest.raises(httpx.RemoteProtocolError):
        _status(probe)
    admin.clear_faults(account.apple_id)

    assert _status(probe) == 207
    assert [item.status for item in admin.requests(account.apple_id)] == [0, 207, 207]


def test_truncated_html_and_empty_answers(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    whole = probe.send("PROPFIND", account.home, depth="1")
    admin.set_faults(account.apple_id, truncated=1)
    half = probe.send("PROPFIND", account.home, depth="1")
    admin.set_faults(account.apple_id, html=1)
    html = probe.send("PROPFIND", account.home, depth="1")
    admin.set_faults(account.apple_id, empty_multistatus=1)
    empty = probe.propfind(account.home, "d:displayname", depth="1")
    admin.set_faults(account.apple_id, dropped_responses=0.5, seed=3)
    some = probe.propfind(account.home, "d:displayname", depth="1")
    admin.set_faults(account.apple_id, home_missing=1)
    missing = probe.send("PROPFIND", account.home, depth="1")

    assert half.content == whole.content[: len(whole.content) // 2]
    assert (html.status_code, html.text[:15]) == (200, "<!DOCTYPE html>")
    assert empty == []
    assert 0 < len(some) < 7
    assert missing.status_code == 404


def test_slow_bodies_arrive_whole_and_slowly(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    size = len(probe.send("PROPFIND", "/", depth="0").content)
    admin.set_faults(account.apple_id, bytes_per_second=size)

    begun = time.monotonic()
    answer = probe.send("PROPFIND", "/", depth="0")
    took = time.monotonic() - begun

    assert answer.text.endswith("</multistatus>")
    assert took >= 0.7  # four drips, three pauses of a quarter of a second between them


def _ctags(probe: Probe, account: SimulatedAccount) -> dict[str, str]:
    listed = probe.propfind(account.home, "cs:getctag", depth="1")
    return {item.path: item.text("cs:getctag") for item in listed if "cs:getctag" in item.properties}


def _queried(probe: Probe, path: str) -> list[str]:
    return [item.path for item in probe.query(path, "20261201T000000Z", "20261202T000000Z")]


def test_changes_show_late(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str) -> None:
    admin.set_faults(account.apple_id, listing_lag_seconds=3_600, object_lag_seconds=7_200)
    token = probe.propfind(home, "d:sync-token")[0].text("d:sync-token")
    untouched = _ctags(probe, account)
    probe.put(f"{home}a.ics", _EVENT.format(uid="a"))

    at_once = [item.path for item in probe.changes(home, token)[0]]
    before = _ctags(probe, account), _queried(probe, home)
    admin.move_clock(4_000)
    listed = [item.path for item in probe.changes(home, token)[0]]
    after = _ctags(probe, account), _queried(probe, home)
    unread = probe.multiget(home, f"{home}a.ics")[0].status
    admin.move_clock(8_000)
    read = probe.multiget(home, f"{home}a.ics")[0].status

    assert at_once == [home]
    assert before == (untouched, [home])
    assert {path for path in untouched if after[0][path] != untouched[path]} == {account.home, home}
    assert listed == after[1] == [home, f"{home}a.ics"]
    assert (unread, read) == (404, None)


def test_stale_reads_and_objects_that_are_never_there(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_object(account.apple_id, "home", "a.ics", "old")
    admin.put_object(account.apple_id, "home", "a.ics", "new")
    admin.set_faults(account.apple_id, stale_read=1)
    stale = probe.send("GET", f"{home}a.ics").text
    admin.set_faults(account.apple_id, gone_hrefs=[f"{home}a.ics"])

    assert stale == "old"
    assert f"{home}a.ics" in [item.path for item in probe.changes(home)[0]]
    assert probe.multiget(home, f"{home}a.ics")[0].status == 404


def test_pages_twins_and_wrong_calendars_in_reports(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_objects(account.apple_id, "home", {f"{n}.ics": "1" for n in range(5)})
    admin.set_faults(account.apple_id, sync_page=3)
    first, token = probe.changes(home)
    rest, _ = probe.changes(home, token)
    admin.set_faults(account.apple_id, duplicate_hrefs=1)
    twins, _ = probe.changes(home)
    admin.set_faults(account.apple_id, wrong_calendar=True)
    wrong, _ = probe.changes(home)

    assert (first[-1].path, first[-1].status) == (home, 507)
    assert [item.path for item in (*first[1:-1], *rest[1:])] == [f"{home}{n}.ics" for n in range(5)]
    assert len(twins) == 11
    assert [item.path for item in wrong] == [f"{account.home}work/"]
