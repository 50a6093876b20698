import base64
import re

from icloud_simulator.accounts import NewAccount, open_account
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.exchange import Request
from icloud_simulator.objects import write
from icloud_simulator.probe import Found, Probe, query_body
from icloud_simulator.server import CalDavServer
from icloud_simulator.tokens import point_of
from icloud_simulator.world import World

_NAMES = (
    "d:displayname",
    "d:resourcetype",
    "c:supported-calendar-component-set",
    "cs:getctag",
    "d:sync-token",
    "d:current-user-privilege-set",
    "ical:calendar-color",
    "cs:source",
)


def _listing(probe: Probe, account: SimulatedAccount) -> dict[str, Found]:
    listed = probe.propfind(account.home, *_NAMES, depth="1")
    return {item.path.removeprefix(account.home).rstrip("/"): item for item in listed}


def test_the_home_holds_itself_and_every_kind_of_child(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    own = admin.add_calendar(account.apple_id, "Privé")
    shared = admin.add_calendar(account.apple_id, "Team", access="read_only")
    admin.add_calendar(account.apple_id, "Holidays", kind="subscribed", path_id="feed", source="webcal://a.example/x")

    listing = _listing(probe, account)

    types = {path: item.tags("d:resourcetype") - {"d:collection"} for path, item in listing.items()}
    assert types == {
        "": set(),
        "home": {"c:calendar"},
        "work": {"c:calendar"},
        "tasks": {"c:calendar"},
        own["path_id"]: {"c:calendar"},
        shared["path_id"]: {"c:calendar", "cs:shared"},
        "feed": {"cs:subscribed"},
        "inbox": {"c:schedule-inbox"},
        "outbox": {"c:schedule-outbox"},
        "notification": {"cs:notification"},
    }
    assert re.fullmatch(r"[0-9a-f]{64}", shared["path_id"])
    assert re.fullmatch(r"[0-9A-F-]{36}", own["path_id"])
    assert listing["feed"].text("cs:source") == "webcal://a.example/x"
    assert listing[own["path_id"]].text("ical:calendar-color") == "#FF2968FF"
    assert listing[own["path_id"]].text("d:displayname") == "Privé"


def test_privileges_tell_what_is_writable(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    reader = admin.add_calendar(account.apple_id, "Read", access="read_only")["path_id"]
    writer = admin.add_calendar(account.apple_id, "Write", access="read_write")["path_id"]
    admin.add_calendar(account.apple_id, "Feed", kind="subscribed", path_id="feed", source="webcal://a.example/x")

    listing = _listing(probe, account)

    name = "d:current-user-privilege-set"
    writable = {path for path, item in listing.items() if "d:write-content" in item.tags(name)}
    assert {"home", "work", writer} <= writable
    assert not {reader, "feed", "inbox", "outbox", "notification"} & writable
    assert "c:schedule-deliver" in listing["inbox"].tags(name)
    assert "c:schedule-send" in listing["outbox"].tags(name)
    assert listing["notification"].tags(name) == {"d:privilege", "d:read", "d:unbind"}
    reads = {"d:privilege", "d:read", "c:read-free-busy", "d:read-current-user-privilege-set"}
    assert listing[reader].tags(name) == reads
    assert listing["home"].tags(name) - reads == {
        "d:write",
        "d:write-properties",
        "d:write-content",
        "d:bind",
        "d:unbind",
    }


def test_what_a_child_does_not_have_is_in_a_404_propstat(probe: Probe, account: SimulatedAccount) -> None:
    listing = _listing(probe, account)

    assert {"ical:calendar-color", "cs:source"} <= listing[""].missing
    assert {"d:displayname", "ical:calendar-color"} <= listing["inbox"].missing
    assert listing["home"].missing == {"cs:source"}
    assert not any(item.properties.keys() & item.missing for item in listing.values())


def test_components_are_told_where_apple_tells_them(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    shared = admin.add_calendar(account.apple_id, "Team", access="read_only")["path_id"]
    listing = _listing(probe, account)

    name = "c:supported-calendar-component-set"
    components = {
        path: [comp.get("name") for comp in item.properties[name]]
        for path, item in listing.items()
        if name in item.properties
    }
    assert components["home"] == ["VEVENT"]
    assert components["tasks"] == ["VTODO"]
    assert components[""] == ["VEVENT", "VTODO", "VFREEBUSY"]
    assert name in listing[shared].missing
    assert "cs:getctag" in listing["outbox"].missing


def test_a_ctag_is_the_sync_token_and_moves_with_its_own_calendar_alone(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    before = _listing(probe, account)
    admin.put_object(account.apple_id, "home", "a.ics", "anything")
    after = _listing(probe, account)

    moved = {path for path in before if "cs:getctag" in before[path].properties}
    moved = {path for path in moved if before[path].text("cs:getctag") != after[path].text("cs:getctag")}
    assert moved == {"", "home"}
    for path in ("home", "work"):
        assert after[path].text("cs:getctag") == after[path].text("d:sync-token")
        raw = base64.b64decode(after[path].text("d:sync-token"))
        assert raw[0] == 0x1F
        assert 46 <= len(raw) <= 49


def test_the_homes_ctag_moves_whenever_something_in_it_does_and_never_comes_back(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    ctags = []

    def note() -> None:
        ctags.append(probe.propfind(account.home, "cs:getctag")[0].text("cs:getctag"))

    note()
    made = admin.add_calendar(account.apple_id, "New")["path_id"]
    note()
    admin.put_objects(account.apple_id, made, {"a.ics": "1", "b.ics": "1"})
    note()
    admin.empty_calendar(account.apple_id, made)
    note()
    admin.remove_calendar(account.apple_id, made)
    note()
    probe.propfind(f"{account.home}home/", "d:displayname")

    assert ctags[-1] == probe.propfind(account.home, "cs:getctag")[0].text("cs:getctag")
    revisions = [point.revision for ctag in ctags if (point := point_of(ctag)) is not None]
    assert revisions == sorted(set(revisions))
    assert len(revisions) == len(ctags)


def test_a_shared_calendar_is_the_same_one_in_both_homes(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    owner = admin.create_account()
    there = admin.share_calendar(owner.apple_id, "work", guest=account.apple_id)
    admin.put_object(owner.apple_id, "work", "a.ics", "anything")

    seen = [item.href for item in admin.objects(account.apple_id)]
    listed = _listing(probe, account)[there["path_id"]]
    admin.unshare_calendar(owner.apple_id, "work", guest=account.apple_id)

    assert seen == [f"{there['path']}a.ics"]
    assert "cs:shared" in listed.tags("d:resourcetype")
    assert there["path_id"] not in _listing(probe, account)


def test_the_printer_is_as_odd_as_apples(probe: Probe, account: SimulatedAccount) -> None:
    body = '<a:propfind xmlns:a="DAV:"><a:prop><a:displayname/><x:odd xmlns:x="urn:x"/></a:prop></a:propfind>'

    text = probe.send("PROPFIND", account.home, body, depth="0").text

    assert text.startswith('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>')
    assert '<displayname xmlns="DAV:">' in text
    assert '<odd xmlns="urn:x"/>' in text
    assert text.count('xmlns="DAV:"') > text.count("<response")
    assert "a:displayname" not in text
    assert "\n\n" in text


def test_quotes_are_mixed_and_returns_are_references(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.put_object(account.apple_id, "home", "a.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    names = "<d:prop><c:supported-calendar-component-set/></d:prop>"
    spaces = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'

    listing = probe.send("PROPFIND", account.home, f"<d:propfind {spaces}>{names}</d:propfind>", depth="1").text
    report = probe.send("REPORT", f"{account.home}home/", query_body('<c:comp-filter name="VEVENT"/>')).text

    assert "<comp name='VEVENT' xmlns='urn:ietf:params:xml:ns:caldav'/>" in listing
    assert '<supported-calendar-component-set xmlns="urn:ietf:params:xml:ns:caldav">' in listing
    assert "BEGIN:VCALENDAR&#13;\nEND:VCALENDAR&#13;\n" in report


def test_an_idle_listing_is_prepared_once_whatever_the_number_of_events() -> None:
    world = World()
    opened = open_account(world, NewAccount())
    server = CalDavServer(world)
    login = base64.b64encode(f"{opened.account.apple_id}:{opened.app_password}".encode()).decode()
    body = b'<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'
    headers = {"authorization": f"Basic {login}", "depth": "1"}
    request = Request("PROPFIND", opened.account.home, "localhost", headers, body)

    first, _ = server.answer(request)
    again, _ = server.answer(request)
    write(world, opened.account.mounts["home"], ((f"{n}.ics", "anything") for n in range(10)))
    changed, _ = server.answer(request)

    assert again is first
    assert changed is not first
    assert changed.body != first.body
