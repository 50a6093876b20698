import re

from icloud_simulator.client import SimulatedAccount, SimulatorAdmin
from icloud_simulator.probe import Probe, found


def _names(probe: Probe, path: str, token: str) -> tuple[dict[str, int | None], str]:
    listed, token = probe.changes(path, token)
    return {item.path.removeprefix(path): item.status for item in listed}, token


def test_an_empty_token_lists_everything_and_the_collection_itself(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_objects(account.apple_id, "home", {"a.ics": "anything", "b.ics": "anything"})

    listed, token = probe.changes(home)

    assert [item.path for item in listed] == [home, f"{home}a.ics", f"{home}b.ics"]
    assert all(re.fullmatch('"[0-9a-z]{8}"', item.text("d:getetag")) for item in listed)
    assert all(set(item.properties) == {"d:getetag"} and not item.missing for item in listed)
    assert token == probe.propfind(home, "d:sync-token")[0].text("d:sync-token")


def test_texts_are_not_given_away_with_changes_even_when_asked_for(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_object(account.apple_id, "home", "a.ics", "anything")
    body = (
        '<d:sync-collection xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:sync-token/>'
        "<d:sync-level>1</d:sync-level><d:prop><d:getetag/><c:calendar-data/></d:prop></d:sync-collection>"
    )

    _, listed = found(probe.send("REPORT", home, body))

    assert listed.path == f"{home}a.ics"
    assert set(listed.properties) == {"d:getetag"}


def test_a_token_leads_to_what_changed_since_each_once(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_objects(account.apple_id, "home", {"a.ics": "1", "b.ics": "1", "c.ics": "1"})
    _, token = probe.changes(home)

    admin.put_object(account.apple_id, "home", "a.ics", "2")
    admin.put_object(account.apple_id, "home", "a.ics", "3")
    admin.delete_object(account.apple_id, "home", "b.ics")
    admin.put_object(account.apple_id, "home", "d.ics", "1")
    changed, later = _names(probe, home, token)
    nothing, same = _names(probe, home, later)

    assert changed == {"": None, "a.ics": None, "b.ics": 404, "d.ics": None}
    assert nothing == {"": None}
    assert same == later != token


def test_etags_grow_with_every_change(admin: SimulatorAdmin, account: SimulatedAccount) -> None:
    stamps = []
    for text in "1234":
        admin.put_object(account.apple_id, "home", "a.ics", text)
        stamps.append(int(admin.objects(account.apple_id)[0].etag.strip('"'), 36))
    admin.move_clock(-86_400)
    admin.put_object(account.apple_id, "home", "a.ics", "5")
    stamps.append(int(admin.objects(account.apple_id)[0].etag.strip('"'), 36))

    assert stamps == sorted(set(stamps))


def test_a_dead_or_foreign_token_is_403_bare_or_told(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    _, token = probe.changes(home)
    _, foreign = probe.changes(f"{account.home}work/")
    admin.expire_tokens(account.apple_id, "home")

    bare = [probe.sync(home, dead) for dead in (token, foreign, "nonsense", "data:,1_2/3")]
    admin.set_faults(account.apple_id, dead_tokens_told=True)
    told = probe.sync(home, token)

    assert [(answer.status_code, answer.content) for answer in bare] == [(403, b"")] * 4
    assert told.status_code == 403
    assert "valid-sync-token" in told.text
    assert probe.sync(home, "").status_code == 207


def test_a_forgotten_log_kills_old_tokens_but_not_the_present_one(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    _, old = probe.changes(home)
    admin.put_object(account.apple_id, "home", "a.ics", "1")
    _, present = probe.changes(home)
    admin.set_faults(account.apple_id, token_lifetime_seconds=3_600)

    young = probe.sync(home, old).status_code
    admin.move_clock(7_200)

    assert young == 207
    assert probe.sync(home, old).status_code == 403
    assert probe.sync(home, present).status_code == 207


def test_lost_changes_are_seen_in_the_ctag_alone_or_nowhere(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    _, token = probe.changes(home)

    admin.put_objects(account.apple_id, "home", {"quiet.ics": "1"}, trace="unnoticed")
    after_unnoticed = _names(probe, home, token)
    admin.put_objects(account.apple_id, "home", {"lost.ics": "1"}, trace="unlogged")
    after_unlogged = _names(probe, home, token)

    assert after_unnoticed == ({"": None}, token)
    assert after_unlogged[0] == {"": None}
    assert after_unlogged[1] != token
    assert set(_names(probe, home, "")[0]) == {"", "quiet.ics", "lost.ics"}


def test_moving_an_object_removes_it_here_and_adds_it_there(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    work = f"{account.home}work/"
    admin.put_object(account.apple_id, "home", "a.ics", "1")
    tokens = [probe.changes(path)[1] for path in (home, work)]

    href = admin.move_object(account.apple_id, "home", "a.ics", to="work")

    assert href == f"{work}a.ics"
    assert _names(probe, home, tokens[0])[0] == {"": None, "a.ics": 404}
    assert _names(probe, work, tokens[1])[0] == {"": None, "a.ics": None}


def test_emptying_and_touching_reach_every_object(
    admin: SimulatorAdmin, account: SimulatedAccount, probe: Probe, home: str
) -> None:
    admin.put_objects(account.apple_id, "home", {f"{n}.ics": "1" for n in range(5)})
    before = {item.name: item.etag for item in admin.objects(account.apple_id)}
    _, token = probe.changes(home)

    touched = admin.touch(account.apple_id, "home")
    after = {item.name: item.etag for item in admin.objects(account.apple_id)}
    changed, token = _names(probe, home, token)
    emptied = admin.empty_calendar(account.apple_id, "home")
    gone, _ = _names(probe, home, token)

    assert touched == emptied == 5
    assert all(before[name] != after[name] for name in before)
    assert set(changed) == {"", *before}
    assert gone == {"": None, **dict.fromkeys(before, 404)}


def test_a_limit_is_refused_with_507(probe: Probe, home: str) -> None:
    body = (
        '<d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level>'
        "<d:limit><d:nresults>1</d:nresults></d:limit><d:prop><d:getetag/></d:prop></d:sync-collection>"
    )

    assert probe.send("REPORT", home, body).status_code == 507
