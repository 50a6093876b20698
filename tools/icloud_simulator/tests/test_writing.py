import pytest

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe

_EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\n{more}SUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_PEOPLE = "ORGANIZER:mailto:{organizer}\r\nATTENDEE:mailto:{attendee}\r\n"


def _event(uid: str = "one", more: str = "") -> str:
    return _EVENT.format(uid=uid, more=more)


def test_a_put_creates_then_updates_and_the_text_stays_verbatim(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    first = probe.put(f"{home}one.ics", _event(), if_none_match="*")
    second = probe.put(f"{home}one.ics", _event(more="X-ODD;A=B:  c \r\n"), if_match=first.headers["etag"])

    (truth,) = admin.objects(account.apple_id)
    assert (first.status_code, second.status_code) == (201, 204)
    assert truth.etag == second.headers["etag"] != first.headers["etag"]
    assert truth.ics == _event(more="X-ODD;A=B:  c \r\n")
    assert truth.uid == "one"


def test_preconditions_are_kept(probe: Probe, home: str) -> None:
    etag = probe.put(f"{home}one.ics", _event()).headers["etag"]

    assert probe.put(f"{home}one.ics", _event(), if_none_match="*").status_code == 412
    assert probe.put(f"{home}one.ics", _event(), if_match='"other"').status_code == 412
    assert probe.put(f"{home}two.ics", _event("two"), if_match="*").status_code == 412
    assert probe.send("DELETE", f"{home}one.ics", if_match='"other"').status_code == 412
    assert probe.send("DELETE", f"{home}one.ics", if_match=etag).status_code == 204
    assert probe.send("DELETE", f"{home}one.ics").status_code == 404


@pytest.mark.parametrize(
    ("text", "status", "precondition"),
    [
        ("not a calendar", 400, ""),
        (_event().replace("END:VEVENT", "END:VTODO"), 400, ""),
        (_event(more="X-A:\x07\r\n"), 400, ""),
        (_event().replace("DTEND:20261201T110000Z\r\n", ""), 404, ""),
        (_event().replace("DTEND:20261201T110000Z", "DURATION:PT1H"), 201, ""),
        (_event().replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"), 403, "valid-calendar-data"),
        (_event().replace("UID:one\r\n", ""), 403, "valid-calendar-data"),
        (_event().replace("VEVENT", "VTODO"), 403, "supported-calendar-component"),
        (_event().replace("DTSTART:20261201T100000Z", "DTSTART;TZID=Mars:20261201T100000"), 403, "valid-timezone"),
        (_event().replace("DTSTART:20261201T100000Z", "DTSTART;TZID=Europe/Paris:20261201T100000"), 201, ""),
    ],
)
def test_texts_are_refused_as_apple_refuses_them(
    probe: Probe, home: str, text: str, status: int, precondition: str
) -> None:
    answer = probe.put(f"{home}one.ics", text)

    assert answer.status_code == status
    assert precondition in answer.text


def test_an_unknown_zone_is_fine_when_it_is_brought_along(probe: Probe, home: str) -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Mars\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\n"
        "TZOFFSETTO:+0037\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    text = _event().replace("DTSTART:20261201T100000Z", "DTSTART;TZID=Mars:20261201T100000")

    assert probe.put(f"{home}one.ics", text.replace("BEGIN:VEVENT", zone)).status_code == 201


def test_reminders_take_tasks_and_no_events(probe: Probe, account: SimulatedAccount) -> None:
    task = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"

    assert probe.put(f"{account.home}tasks/task.ics", task).status_code == 201
    assert probe.put(f"{account.home}tasks/event.ics", _event()).status_code == 403


def test_two_uids_in_one_object_are_refused(probe: Probe, home: str) -> None:
    second = _event("two").split("BEGIN:VEVENT")[1].split("END:VCALENDAR")[0]

    answer = probe.put(f"{home}one.ics", _event().replace("END:VCALENDAR", f"BEGIN:VEVENT{second}END:VCALENDAR"))

    assert answer.status_code == 403
    assert "valid-calendar-data" in answer.text


@pytest.mark.parametrize("name", ["a b.ics", "ü.ics", "a$(b).ics", "noending"])
def test_odd_names_are_refused(probe: Probe, home: str, name: str) -> None:
    assert probe.put(f"{home}{name}", _event()).status_code == 400


def test_a_uid_is_alone_in_its_account(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    probe.put(f"{home}one.ics", _event())

    elsewhere = probe.put(f"{account.home}work/other.ics", _event())
    changed = probe.put(f"{home}one.ics", _event("another"))
    admin.set_faults(account.apple_id, uid_conflict_status=412)
    as_412 = probe.put(f"{account.home}work/other.ics", _event())
    probe.send("DELETE", f"{home}one.ics")
    free_again = probe.put(f"{account.home}work/other.ics", _event())

    assert elsewhere.status_code == 403
    assert "no-uid-conflict" in elsewhere.text
    assert elsewhere.headers["location"].endswith(f"{home}one.ics")
    assert (changed.status_code, as_412.status_code, free_again.status_code) == (403, 412, 201)


def test_calendars_of_others_are_written_with_their_leave_alone(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    reader, writer = (
        admin.add_calendar(account.apple_id, "x", access=access) for access in ("read_only", "read_write")
    )
    feed = admin.add_calendar(account.apple_id, "x", kind="subscribed", source="webcal://a.example/x")

    answers = [probe.put(f"{where['path']}one.ics", _event()) for where in (reader, feed, writer)]
    admin.put_object(account.apple_id, reader["path_id"], "kept.ics", _event("kept"))
    deleted = [probe.send("DELETE", path) for path in (f"{reader['path']}kept.ics", f"{writer['path']}one.ics")]

    assert [answer.status_code for answer in answers] == [403, 403, 201]
    assert [answer.status_code for answer in deleted] == [403, 204]
    assert "need-privileges" in deleted[0].text


def test_too_much_is_413_and_the_wrong_type_403(probe: Probe, home: str) -> None:
    big = _event(more=f"X-BIG:{'x' * (20 * 1024 * 1024)}\r\n")

    assert probe.put(f"{home}one.ics", big).status_code == 413
    wrong = probe.send("PUT", f"{home}one.ics", _event(), content_type="application/json")
    assert wrong.status_code == 403
    assert "supported-calendar-data" in wrong.text


def test_moving_by_webdav_is_412(probe: Probe, home: str) -> None:
    probe.put(f"{home}one.ics", _event())

    answer = probe.send("MOVE", f"{home}one.ics", destination=f"{home}two.ics")

    assert answer.status_code == 412


def test_invitations_are_recorded_and_nothing_else_is(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    mine = _PEOPLE.format(organizer=account.apple_id, attendee="guest@example.com")
    theirs = _PEOPLE.format(organizer="boss@example.com", attendee=account.apple_id)

    probe.put(f"{home}none.ics", _event("none"))
    quiet = admin.invitations(account.apple_id)
    probe.put(f"{home}mine.ics", _event("mine", mine))
    probe.send("DELETE", f"{home}mine.ics")
    probe.put(f"{home}theirs.ics", _event("theirs", theirs))
    probe.send("DELETE", f"{home}theirs.ics")

    assert quiet == []
    assert [(item["method"], item["attendees"]) for item in admin.invitations(account.apple_id)] == [
        ("REQUEST", ["guest@example.com"]),
        ("CANCEL", ["guest@example.com"]),
        ("REPLY", ["boss@example.com"]),
    ]


_MKCOL = (
    '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/>{kind}</resourcetype>'
    "<displayname>Made</displayname></prop></set></mkcol>"
)


def test_extended_mkcol_makes_calendars_and_nothing_else(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe
) -> None:
    calendar = _MKCOL.format(kind='<calendar xmlns="urn:ietf:params:xml:ns:caldav"/>')

    made = probe.send("MKCOL", f"{account.home}made-by-me", calendar)
    again = probe.send("MKCOL", f"{account.home}made-by-me", calendar)
    folder = probe.send("MKCOL", f"{account.home}a-mere-folder", _MKCOL.format(kind=""))

    assert [answer.status_code for answer in (made, again, folder)] == [201, 403, 403]
    names = {item["path_id"]: item["name"] for item in admin.calendars(account.apple_id)}
    assert names["made-by-me"] == "Made"
    assert "a-mere-folder" not in names


def test_calendars_are_made_renamed_and_removed(probe: Probe, account: SimulatedAccount) -> None:
    made = probe.send(
        "MKCALENDAR",
        f"{account.home}made-by-me/",
        '<c:mkcalendar xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:set><d:prop>'
        "<d:displayname>Made</d:displayname></d:prop></d:set></c:mkcalendar>",
    )
    renamed = probe.send(
        "PROPPATCH",
        f"{account.home}made-by-me/",
        '<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>Renamed</d:displayname></d:prop></d:set>'
        "</d:propertyupdate>",
    )
    (listed,) = probe.propfind(f"{account.home}made-by-me/", "d:displayname")
    removed = probe.send("DELETE", f"{account.home}made-by-me/")

    assert [answer.status_code for answer in (made, renamed, removed)] == [201, 207, 204]
    assert listed.text("d:displayname") == "Renamed"
    assert probe.send("PROPFIND", f"{account.home}made-by-me/", depth="0").status_code == 404
    assert probe.send("MKCALENDAR", f"{account.home}abc/").status_code == 403
