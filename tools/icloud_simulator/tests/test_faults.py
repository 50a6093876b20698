import time

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


def test_a_throttle_can_answer_429(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    admin.set_faults(account.apple_id, throttle={"burst": 1, "per_minute": 1, "status": 429, "retry_after": "60"})

    answers = [probe.send("PROPFIND", "/", depth="0") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [207, 429]
    assert answers[1].headers["retry-after"] == "60"


@pytest.mark.parametrize("status", [421, 429, 500, 502, 503, 507])
@pytest.mark.parametrize("retry_after", [None, "120", "Wed, 02 Dec 2026 10:00:00 GMT"])
def test_any_status_comes_by_chance_with_the_retry_after_that_is_wished(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, status: int, retry_after: str | None
) -> None:
    admin.set_faults(account.apple_id, errors={status: 1}, retry_after=retry_after)

    answer = probe.send("PROPFIND", account.home, depth="1")

    assert answer.status_code == status
    assert answer.headers.get("retry-after") == retry_after
    assert answer.content == b""


def test_answers_can_take_their_time(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    admin.set_faults(account.apple_id, latency_seconds=0.3)

    begun = time.monotonic()
    status = _status(probe)

    assert status == 207
    assert time.monotonic() - begun >= 0.3


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


def test_wrong_knobs_are_refused(admin: SimulatorAdmin) -> None:
    for knobs in ({"reset": 2}, {"no_such_knob": 1}, {"errors": {"503": -1}}):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            admin.set_faults(**knobs)
