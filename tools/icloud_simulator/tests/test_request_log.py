"""Evidence that cannot fill the memory."""

import sys

import httpx

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.request_log import Entry, RequestLog
from icloud_simulator.simulator import Simulator

_KEPT = 20_000


def _entry(number: int, *, method: str = "PROPFIND", path: str = "/", host: str = "localhost") -> Entry:
    return Entry(number, 0.0, None, host, method, "", path, 207, 1, 2, None)


def test_only_the_newest_are_kept_and_the_sums_go_on() -> None:
    log = RequestLog()

    for number in range(1, _KEPT * 3 + 1):
        log.add(_entry(number))

    assert [entry.number for entry in log.since(0, None)] == list(range(_KEPT * 2 + 1, _KEPT * 3 + 1))
    assert [total.requests for total in log.totals.values()] == [_KEPT * 3]


def test_what_clients_make_up_is_cut_to_size() -> None:
    log = RequestLog()

    for number in range(1, 1_001):
        log.add(_entry(number, method=f"M{number}", path="/" * 60_000, host="h" * 60_000))

    entries = list(log.since(0, None))
    assert len(log.totals) == 1
    assert {entry.method for entry in entries} == {"OTHER"}
    assert max(sum(map(sys.getsizeof, (entry.path, entry.host, entry.method))) for entry in entries) < 1_000


def test_strange_methods_are_counted_together(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    answers = [probe.send(method, "/").status_code for method in ("BREW", "WHEN", "LOCK")]

    assert answers == [405, 405, 405]
    assert [item.method for item in admin.requests(account.apple_id)] == ["OTHER"] * 3
    counted = [item for item in admin.totals() if item["account"] == account.apple_id]
    assert [(item["kind"], item["status"], item["requests"]) for item in counted] == [("OTHER", 405, 3)]


def test_requests_are_listed_by_number_and_forgotten_on_wish(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    probe.send("OPTIONS", "/")
    (first,) = admin.requests(account.apple_id)
    probe.send("OPTIONS", account.home)
    later = admin.requests(account.apple_id, since=first.number)

    admin.forget_requests()
    forgotten = admin.requests(), admin.totals()
    probe.send("OPTIONS", "/")

    assert [item.path for item in later] == [account.home]
    assert forgotten == ([], [])
    assert [item.number for item in admin.requests()] == [later[0].number + 1]


def test_nothing_secret_is_in_the_log(simulator: Simulator, account: SimulatedAccount, probe: Probe, home: str) -> None:
    probe.put(f"{home}a.ics", "BEGIN:VCALENDAR\r\nSUMMARY:A secret\r\nEND:VCALENDAR\r\n")

    raw = httpx.get(f"{simulator.admin_url}/v1/requests?account={account.apple_id}", trust_env=False).text

    assert f"{home}a.ics" in raw
    assert "A secret" not in raw
    assert account.app_password not in raw
    assert "Basic" not in raw
