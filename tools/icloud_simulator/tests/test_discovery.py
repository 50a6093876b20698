import re

import httpx
import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe
from icloud_simulator.simulator import Options, Simulator, running


def test_the_entry_names_a_relative_principal(probe: Probe, account: SimulatedAccount) -> None:
    (root,) = probe.propfind("/", "d:current-user-principal")

    assert root.path == "/"
    assert root.text("d:current-user-principal") == f"/{account.dsid}/principal/" == account.principal


def test_the_home_set_is_an_absolute_url_with_a_port_on_another_host(
    probe: Probe, account: SimulatedAccount, simulator: Simulator
) -> None:
    (principal,) = probe.propfind(account.principal, "c:calendar-home-set")

    url = httpx.URL(principal.text("c:calendar-home-set"))

    assert url.host == "localhost"
    assert url.port == httpx.URL(simulator.url).port
    assert url.path == account.home
    assert httpx.URL(simulator.url).host != url.host


def test_a_home_without_a_port_gets_the_default_one_and_the_partitions_number() -> None:
    with (
        running(Options(partition_base="https://p{nn}-caldav.icloud.test")) as simulator,
        SimulatorAdmin(simulator.admin_url) as admin,
    ):
        account = admin.create_account(partition=7)
        probe = Probe(simulator.url, account.apple_id, account.app_password)
        (principal,) = probe.propfind(account.principal, "c:calendar-home-set")
        probe.close()

    url = f"https://p07-caldav.icloud.test:443{account.home}"
    assert principal.text("c:calendar-home-set") == url


@pytest.mark.parametrize("host", ["caldav.icloud.test", "p42-caldav.icloud.test", "p180-caldav.icloud.test"])
def test_every_host_serves_every_account(probe: Probe, account: SimulatedAccount, host: str) -> None:
    listed = probe.send("PROPFIND", account.home, depth="1", host=host)

    assert listed.status_code == 207
    assert f"<href>{account.home}</href>" in listed.text


def test_the_preferred_address_is_marked(admin: SimulatorAdmin, simulator: Simulator) -> None:
    account = admin.create_account("Ann@icloud.com", aliases=["ann@me.com"])
    probe = Probe(simulator.url, "ANN@me.com", account.app_password)

    (principal,) = probe.propfind(account.principal, "c:calendar-user-address-set")
    hrefs = list(principal.properties["c:calendar-user-address-set"])
    probe.close()

    assert [(item.text, item.get("preferred")) for item in hrefs] == [
        ("mailto:ann@icloud.com", "1"),
        ("mailto:ann@me.com", None),
        (account.principal, None),
    ]


@pytest.mark.parametrize("case", ["wrong password", "main password", "unknown user", "nothing"])
def test_a_401_has_no_body_and_two_challenges(simulator: Simulator, account: SimulatedAccount, case: str) -> None:
    login = {
        "wrong password": httpx.BasicAuth(account.apple_id, "aaaa-bbbb-cccc-dddd"),
        "main password": httpx.BasicAuth(account.apple_id, account.main_password),
        "unknown user": httpx.BasicAuth("nobody@icloud.com", account.app_password),
    }.get(case)

    answer = httpx.request("PROPFIND", simulator.url, auth=login, trust_env=False)

    assert answer.status_code == 401
    assert answer.content == b""
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="MMCalDav"',
        'X-MobileMe-AuthToken realm="MMCalDav"',
    ]
    assert answer.headers["content-length"] == "0"
    assert answer.headers["x-apple-user-partition"].isdigit()
    assert answer.headers["server"].startswith("AppleHttpServer/")
    assert answer.headers["x-responding-instance"].startswith("caldavj:")
    for name in ("strict-transport-security", "via", "x-apple-request-uuid", "access-control-expose-headers"):
        assert answer.headers[name]


def test_app_passwords_have_apples_shape(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    another = admin.new_app_password(account.apple_id)

    for password in (account.app_password, another):
        assert re.fullmatch(r"[a-z]{4}(-[a-z]{4}){3}", password)
    assert account.app_password not in repr(account)


def test_changing_the_apple_password_revokes_every_app_password(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    assert probe.send("PROPFIND", "/", depth="0").status_code == 207

    admin.change_main_password(account.apple_id)

    assert probe.send("PROPFIND", "/", depth="0").status_code == 401


def test_one_app_password_is_revoked_alone(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, simulator: Simulator
) -> None:
    other = Probe(simulator.url, account.apple_id, admin.new_app_password(account.apple_id))

    admin.revoke_app_password(account.apple_id, account.app_password)
    answers = [client.send("PROPFIND", "/", depth="0").status_code for client in (probe, other)]
    other.close()

    assert answers == [401, 207]


def test_somebody_elses_paths_are_forbidden(admin: SimulatorAdmin, probe: Probe) -> None:
    other = admin.create_account()

    assert probe.send("PROPFIND", other.principal, depth="0").status_code == 403
    assert probe.send("PROPFIND", other.home, depth="1").status_code == 403
    assert probe.send("GET", f"{other.home}home/x.ics").status_code == 403


def test_what_is_not_there_is_404_and_collections_cannot_be_read(probe: Probe, account: SimulatedAccount) -> None:
    assert probe.send("PROPFIND", f"{account.home}nowhere/", depth="0").status_code == 404
    assert probe.send("PROPFIND", f"{account.home}home", depth="0").status_code == 404
    for path in ("/", account.home, f"{account.home}home/"):
        answer = probe.send("GET", path)
        assert answer.status_code == 400
        assert "AppleHttpServer" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        "\n<?xml version='1.0'?><propfind xmlns='DAV:'/>",
        "x<propfind xmlns='DAV:'/>",
        "no xml",
        "<unclosed",
        "<!DOCTYPE a><propfind xmlns='DAV:'/>",
    ],
)
def test_bodies_that_apple_refuses_are_400(probe: Probe, body: str) -> None:
    assert probe.send("PROPFIND", "/", body, depth="0").status_code == 400


def test_white_space_before_the_root_element_is_xml_unless_a_knob_says_no(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    body = "\n  <propfind xmlns='DAV:'><prop><current-user-principal/></prop></propfind>"
    lenient = probe.send("PROPFIND", "/", body, depth="0").status_code
    admin.set_faults(account.apple_id, leading_space_refused=True)

    assert lenient == 207
    assert probe.send("PROPFIND", "/", body, depth="0").status_code == 400
    assert probe.send("PROPFIND", "/", body.strip(), depth="0").status_code == 207


def test_a_locked_account_is_forbidden_and_one_without_calendar_is_401_or_has_no_home(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.set_standing(account.apple_id, locked=True)
    locked = probe.send("PROPFIND", "/", depth="0").status_code
    admin.set_standing(account.apple_id, locked=False, calendar_enabled=False)
    without = probe.send("PROPFIND", "/", depth="0").status_code
    admin.set_faults(account.apple_id, not_enabled_as="no_home")
    (principal,) = probe.propfind(account.principal, "c:calendar-home-set")

    assert (locked, without) == (403, 401)
    assert principal.missing == {"c:calendar-home-set"}


def test_options_tell_what_the_server_is(probe: Probe) -> None:
    assert "calendar-access" in probe.send("OPTIONS", "/").headers["dav"]
