import socket
from urllib.parse import urlsplit

import httpx
import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator

_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _status(probe: Probe) -> int:
    return probe.send("PROPFIND", "/", depth="0").status_code


def test_faults_of_one_account_leave_the_others_alone(
    admin: SimulatorAdmin, simulator: Simulator, account: SimulatedAccount, probe: Probe
) -> None:
    other = admin.create_account()
    healthy = Probe(simulator.url, other.apple_id, other.app_password)

    admin.set_faults(account.apple_id, errors={503: 1}, retry_after="7")
    broken = probe.send("PROPFIND", "/", depth="0")
    well = _status(healthy)
    admin.clear_faults(account.apple_id)
    healthy.close()

    assert (broken.status_code, broken.headers["retry-after"]) == (503, "7")
    assert well == 207
    assert _status(probe) == 207


def test_an_accounts_knobs_win_over_those_of_all(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.set_faults(errors={500: 1})
    by_all = _status(probe)
    admin.set_faults(account.apple_id, errors={})

    assert by_all == 500
    assert _status(probe) == 207


def test_the_same_seed_gives_the_same_sequence(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    def sequence(seed: int) -> list[int]:
        admin.set_faults(account.apple_id, seed=seed, unauthorized=0.5)
        return [_status(probe) for _ in range(20)]

    assert sequence(1) == sequence(1)
    assert sequence(1) != sequence(2)
    assert set(sequence(1)) == {207, 401}


def test_chances_can_be_kept_to_methods_and_hosts(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.set_faults(account.apple_id, errors={507: 1}, methods=["PUT"])
    by_method = probe.put(f"{home}a.ics", _EVENT.format(uid="a")).status_code, _status(probe)
    admin.set_faults(account.apple_id, unauthorized=1, host="entry")
    at_entry = _status(probe)
    on_partition = probe.send("PROPFIND", f"{account.base}/", depth="0").status_code

    assert by_method == (507, 207)
    assert (at_entry, on_partition) == (401, 207)


def test_a_throttle_punishes_longer_than_it_says(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.set_faults(account.apple_id, throttle={"per_minute": 1, "burst": 3, "penalty_seconds": 30})

    burst = [probe.send("PROPFIND", "/", depth="0") for _ in range(4)]
    admin.move_clock(2)
    obedient = _status(probe)
    admin.move_clock(95)

    assert [answer.status_code for answer in burst] == [207, 207, 207, 503]
    assert burst[-1].headers["retry-after"] == "1"
    assert obedient == 503
    assert _status(probe) == 207


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


def test_slow_bodies_arrive_whole(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    admin.set_faults(account.apple_id, bytes_per_second=2_000)

    answer = probe.send("PROPFIND", "/", depth="0")

    assert answer.text.endswith("</multistatus>")
    assert answer.elapsed.total_seconds() > 0


def test_changes_show_late(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str) -> None:
    admin.set_faults(account.apple_id, listing_lag_seconds=3_600, object_lag_seconds=7_200)
    token = probe.propfind(home, "d:sync-token")[0].text("d:sync-token")
    probe.put(f"{home}a.ics", _EVENT.format(uid="a"))

    at_once = [item.path for item in probe.changes(home, token)[0]]
    admin.move_clock(4_000)
    listed = [item.path for item in probe.changes(home, token)[0]]
    unread = probe.multiget(home, f"{home}a.ics")[0].status
    admin.move_clock(8_000)
    read = probe.multiget(home, f"{home}a.ics")[0].status

    assert at_once == [home]
    assert listed == [home, f"{home}a.ics"]
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


def test_puts_without_etag_and_doubled_stamps(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.set_faults(account.apple_id, put_etag_omitted=1)
    without = probe.put(f"{home}a.ics", _EVENT.format(uid="a"))
    admin.set_faults(account.apple_id, duplicate_dtstamp=True)
    doubled = probe.put(f"{home}a.ics", _EVENT.format(uid="a"))

    assert (without.status_code, doubled.status_code) == (201, 204)
    assert "etag" not in without.headers
    assert "etag" not in doubled.headers
    assert admin.objects(account.apple_id)[0].ics.count("DTSTAMP:") == 2


def test_variants_of_apples_answers(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, simulator: Simulator, home: str
) -> None:
    feed = admin.add_calendar(account.apple_id, "Feed", kind="subscribed", source="webcal://a.example/x")["path"]
    admin.set_faults(
        account.apple_id,
        subscribed_as_calendar=True,
        joined_challenges=True,
        short_principal_href=True,
        missing_ctag=True,
        delete_ignores_etag=True,
    )
    probe.put(f"{home}a.ics", _EVENT.format(uid="a"))

    refused = httpx.request("PROPFIND", simulator.url, auth=(account.apple_id, "wrong"), trust_env=False)

    assert "c:calendar" in probe.propfind(feed, "d:resourcetype")[0].tags("d:resourcetype")
    assert len(refused.headers.get_list("www-authenticate")) == 1
    assert probe.propfind(account.principal, "d:displayname")[0].path == "/principal/"
    assert "cs:getctag" in probe.propfind(home, "cs:getctag")[0].missing
    assert probe.send("DELETE", f"{home}a.ics", if_match='"wrong"').status_code == 204


def test_the_entry_can_redirect_to_the_partition(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.set_faults(account.apple_id, redirect=301)

    answer = probe.send("PROPFIND", account.home, depth="0")

    assert (answer.status_code, answer.headers["location"]) == (301, f"{account.base}{account.home}")
    assert probe.send("PROPFIND", answer.headers["location"], depth="0").status_code == 207


@pytest.mark.parametrize(("old_host", "status"), [("unauthorized", 401), ("misdirected", 421), ("serves", 207)])
def test_a_moved_account_is_served_on_its_new_host(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, old_host: str, status: int
) -> None:
    new = admin.move_partition(account.apple_id, old_host=old_host)

    (principal,) = probe.propfind(account.principal, "c:calendar-home-set")

    assert new != account.base
    assert principal.text("c:calendar-home-set") == f"{new}{account.home}"
    assert probe.send("PROPFIND", f"{account.base}{account.home}", depth="0").status_code == status
    assert probe.send("PROPFIND", f"{new}{account.home}", depth="0").status_code == 207


def test_an_old_host_can_reset_or_refuse(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    second = admin.move_partition(account.apple_id, old_host="reset")
    with pytest.raises(httpx.ReadError):
        probe.send("PROPFIND", f"{account.base}{account.home}", depth="0")
    third = admin.move_partition(account.apple_id, old_host="refused")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(second).port or 0), timeout=5)
    assert probe.send("PROPFIND", f"{third}{account.home}", depth="0").status_code == 207


def test_wrong_knobs_are_refused(admin: SimulatorAdmin) -> None:
    for knobs in ({"reset": 2}, {"no_such_knob": 1}, {"errors": {"503": -1}}):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            admin.set_faults(**knobs)
