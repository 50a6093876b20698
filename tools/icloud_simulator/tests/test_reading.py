from datetime import UTC, datetime, timedelta

import pytest

from icloud_simulator.apple_ics import AppleEvent, Override, apple_text
from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe, found, query_body

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_ETAGS = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'


def _event(uid: str, day: int, rule: str | None = None) -> str:
    start, end = (datetime(2026, 12, day, hour, tzinfo=UTC) for hour in (10, 11))
    return apple_text(AppleEvent(uid=uid, title="R&D <1>", start=start, end=end, rule=rule), _NOW)


def test_a_multiget_gives_texts_verbatim_and_404_for_what_is_missing(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    text = _event("a", 1)
    admin.put_object(account.apple_id, "home", "a@b.ics", text)
    truth = admin.objects(account.apple_id)[0]

    absolute = f"http://localhost:1{home}a%40b.ics"
    hrefs = (f"{home}a@b.ics", f"{home}a%40b.ics", absolute, f"{home}gone.ics", f"{account.home}work/a@b.ics")
    got = probe.multiget(home, *hrefs)

    assert [item.status for item in got] == [None, None, None, 404, 404]
    for item in got[:3]:
        assert item.path == truth.href
        assert item.text("c:calendar-data") == text
        assert item.text("d:getetag") == truth.etag


def test_an_at_sign_comes_back_encoded(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_object(account.apple_id, "home", "a@b.ics", _event("a", 1))

    assert f"<href>{home}a%40b.ics</href>" in probe.sync(home, "").text


def test_a_query_gives_whole_resources_with_an_instance_in_range(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    texts = {"early.ics": _event("e", 1), "weekly.ics": _event("w", 1, "FREQ=WEEKLY"), "late.ics": _event("l", 20)}
    admin.put_objects(account.apple_id, "home", texts)

    itself, *got = probe.query(home, "20261222T000000Z", "20261223T000000Z")

    assert itself.path == home
    assert itself.missing == {"c:calendar-data"}
    assert [(item.path, item.text("c:calendar-data")) for item in got] == [(f"{home}weekly.ics", texts["weekly.ics"])]
    assert len(probe.query(home, "20261201T000000Z", "20270101T000000Z")) == 4


def test_nothing_is_expanded_and_overrides_come_with_their_master(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    start = datetime(2026, 12, 1, 10, tzinfo=UTC)
    moved = Override(start + timedelta(days=1), start + timedelta(days=40), start + timedelta(days=40, hours=1))
    end = start + timedelta(hours=1)
    series = AppleEvent(uid="d", title="x", start=start, end=end, rule="FREQ=DAILY;COUNT=3", overrides=(moved,))
    text = apple_text(series, _NOW)
    admin.put_object(account.apple_id, "home", "daily.ics", text)
    span = 'start="20261203T000000Z" end="20261204T000000Z"'
    body = query_body(f'<c:comp-filter name="VEVENT"><c:time-range {span}/></c:comp-filter>')

    answer = probe.send(
        "REPORT", home, body.replace("<c:calendar-data/>", f"<c:calendar-data><c:expand {span}/></c:calendar-data>")
    )

    assert answer.request.content.count(b"c:expand") == 1
    assert [item.text("c:calendar-data") for item in found(answer)[1:]] == [text]


@pytest.mark.parametrize(
    ("inside", "status"),
    [
        ("", 500),
        ('<c:comp-filter name="VTODO"/>', 500),
        ('<c:comp-filter name="VJOURNAL"/>', 500),
        ('<c:comp-filter name="VEVENT"/>', 207),
        ('<c:comp-filter name="VEVENT"><c:time-range start="tomorrow"/></c:comp-filter>', 400),
    ],
)
def test_queries_need_events_in_their_filter(probe: Probe, home: str, inside: str, status: int) -> None:
    assert probe.send("REPORT", home, query_body(inside), depth="1").status_code == status


def test_a_filter_on_a_property_finds_nothing(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_object(account.apple_id, "home", "a.ics", _event("a", 1))
    by_uid = '<c:prop-filter name="UID"><c:text-match>a</c:text-match></c:prop-filter>'

    answer = probe.send("REPORT", home, query_body(f'<c:comp-filter name="VEVENT">{by_uid}</c:comp-filter>'))

    assert "a.ics" not in answer.text


def test_reports_that_apple_does_not_do(admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe) -> None:
    feed = admin.add_calendar(account.apple_id, "Feed", kind="subscribed", source="webcal://a.example/x")["path"]
    free_busy = '<c:free-busy-query xmlns:c="urn:ietf:params:xml:ns:caldav"/>'

    assert probe.send("REPORT", f"{account.home}home/", free_busy).status_code == 501
    assert probe.sync(feed, "").status_code == 403


def test_get_and_head_tell_text_and_etag(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    text = _event("a", 1)
    admin.put_object(account.apple_id, "home", "a.ics", text)

    got, head = (probe.send(method, f"{home}a.ics") for method in ("GET", "HEAD"))

    assert got.content == text.encode()
    assert got.headers["etag"] == head.headers["etag"] == admin.objects(account.apple_id)[0].etag
    assert head.content == b""
    assert probe.send("GET", f"{home}gone.ics").status_code == 404


_ODD = {
    "item/7@example.com.ics": "item%2F7%40example.com.ics",
    "Termin\u00a01.ics": "Termin%C2%A01.ics",
    "x\ty.ics": "x%09y.ics",
    "100%.ics": "100%25.ics",
    "a%2Fb.ics": "a%252Fb.ics",
    "who?#1.ics": "who%3F%231.ics",
    "caf\u00e9.ics": "caf%C3%A9.ics",
    "cafe\u0301.ics": "cafe%CC%81.ics",
}


def test_names_of_any_character_are_one_segment_of_a_path_everywhere(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    texts = {name: _event(f"odd-{number}", 1) for number, name in enumerate(_ODD)}
    admin.put_objects(account.apple_id, "home", texts)
    paths = {f"{home}{encoded}": texts[name] for name, encoded in _ODD.items()}

    for answer in (probe.sync(home, ""), probe.send("PROPFIND", home, _ETAGS, depth="1")):
        assert all(f"<href>{path}</href>" in answer.text for path in paths)
    assert [item.text("c:calendar-data") for item in probe.multiget(home, *paths)] == list(texts.values())
    assert [probe.send("GET", path).text for path in paths] == list(texts.values())
    assert [probe.send("DELETE", path).status_code for path in paths] == [204] * len(paths)
    assert admin.objects(account.apple_id) == []


def test_an_encoded_slash_does_not_lead_into_another_calendar(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_object(account.apple_id, "home", "a.ics", _event("a", 1))
    escaping = f"{account.home}work/..%2Fhome%2Fa.ics"

    assert probe.send("GET", f"{account.home}home%2Fa.ics").status_code == 404
    assert probe.send("GET", escaping).status_code == 404
    assert [item.status for item in probe.multiget(home, escaping)] == [404]


def test_the_iphone_side_reaches_an_object_by_any_name(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    admin.put_object(account.apple_id, "home", "item/7?.ics", _event("a", 1))

    admin.change_event(account.apple_id, "home", "item/7?.ics", title="Other")
    admin.move_object(account.apple_id, "home", "item/7?.ics", to="work")
    changed = probe.send("GET", f"{account.home}work/item%2F7%3F.ics").text
    admin.delete_object(account.apple_id, "work", "item/7?.ics")

    assert "SUMMARY:Other" in changed
    assert admin.objects(account.apple_id) == []
