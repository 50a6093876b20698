import socket
from urllib.parse import urlsplit

import httpx
import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Simulator


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_entry_can_redirect_to_the_partition(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, status: int
) -> None:
    admin.set_faults(account.apple_id, redirect=status)

    answer = probe.send("PROPFIND", account.home, depth="0")

    assert (answer.status_code, answer.headers["location"]) == (status, f"{account.base}{account.home}")
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


def test_a_host_where_others_still_live_resets_instead_of_closing(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, simulator: Simulator
) -> None:
    stays = admin.create_account()
    other = Probe(simulator.url, stays.apple_id, stays.app_password)

    admin.move_partition(account.apple_id, old_host="refused")
    served = other.send("PROPFIND", f"{stays.base}{stays.home}", depth="0").status_code
    other.close()

    assert served == 207
    with pytest.raises(httpx.ReadError):
        probe.send("PROPFIND", f"{account.base}{account.home}", depth="0")
