"""While two releases run side by side, the older one meets documents of the newer one."""

from typing import Any

from sync_worker.application.claim import Lease
from sync_worker.domain.guard import Doubt
from sync_worker.domain.outbox import END_OF_TIME, Origin
from sync_worker.outbound.mongo.appointment_documents import job_from
from sync_worker.outbound.mongo.documents import claim_from
from sync_worker.outbound.mongo.object_documents import known_from, state_document, state_from
from worker_examples import NOW, imported, quarantine

Document = dict[str, Any]
NEWS: Document = {"since_the_next_release": {"any": "thing"}}
BARE: Document = {
    "_id": "c-1",
    "account_id": "acc-1",
    "user_id": "usr-1",
    "epoch": 1,
    "state": "active",
    "wakes": 1,
    "fence": 7,
}
HOLD: Document = {"doubt": "shrunken", "since": NOW, "looked_at": NOW, "known": 40, "missing": 30}


def test_a_claim_leaves_out_what_it_does_not_know() -> None:
    document = BARE | {
        "setup": {"titles": True, "conflict_calendars": [{"id": "cal-1"} | NEWS]} | NEWS,
        "calendars": {"cal-1": {"path": "/c/", "basis": "b", "token": "t", "hold": HOLD | NEWS} | NEWS},
        "home_told": {"ids": ["cal-1"]} | NEWS,
        "activity": {"changed_at": NOW} | NEWS,
        "rejections": {"count": 2, "since": NOW, "last": NOW} | NEWS,
        "last_said": {"event_id": "e", "epoch": 1, "revision": 2} | NEWS,
        "exports": {"reviewed": 3, "access": "full", "linked_calendar_id": "elsewhere"} | NEWS,
        "allowance": {"level": 1.0} | NEWS,
    }

    claim = claim_from(document | NEWS, Lease("t", 0), NOW)

    tracked = claim.calendars["cal-1"]
    assert (tracked.token, tracked.hold and tracked.hold.doubt) == ("t", Doubt.SHRUNKEN)
    assert (claim.home_told.ids, claim.activity.changed_at) == (frozenset({"cal-1"}), NOW)
    assert claim.rejections is not None
    assert claim.trail.before is not None
    assert (claim.rejections.count, claim.trail.before.revision, claim.exports.reviewed) == (2, 2, 3)
    assert claim.exports.linked_calendar_id is None, "what allows writing stands in the setup, wherever else"


def test_so_does_a_calendar_object() -> None:
    claim = claim_from(BARE, Lease("t", 0), NOW)
    state = imported("e1", quarantine=quarantine(), origin=Origin("d", END_OF_TIME))
    kept = state_document(claim, state) | NEWS | {"_id": "e1"}
    kept["content"] = {
        **kept["content"],
        **NEWS,
        "groups": [{**group, **NEWS, "facts": group["facts"] | NEWS} for group in kept["content"]["groups"]],
    }
    kept |= {"quarantine": kept["quarantine"] | NEWS, "origin": [*kept["origin"], "newer"]}

    assert state_from(kept) == state
    assert known_from(kept).origin == state.origin


def test_and_an_appointment() -> None:
    claim = claim_from(BARE, Lease("t", 0), NOW)
    copy = {"path": "/c/", "href": "/c/a.ics", "event_id": "e", "revision": 2} | NEWS
    change = {"revision": 2, "kind": "moved", "says": None, "span": None} | NEWS
    document = {"_id": "a-1", "revision": 2, "connection_id": "c-1", "copy": copy, "left": [copy], "change": change}

    job = job_from(document | NEWS, claim)

    assert job.copy is not None
    assert (job.copy.href, job.copy.revision, job.left) == ("/c/a.ics", 2, (job.copy,))
