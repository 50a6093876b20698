"""What two timelines must agree on, and what one of them may have forgotten."""

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from services.availability.tests.examples import NOW

from calsync_bootstrap.comparison import Sum, agree, difference

Document = dict[str, Any]

WHOSE = {"account_id": "account-1", "user_id": "user-1"}
EVENT: Document = {
    "_id": "event-1",
    "kind": "event",
    **WHOSE,
    "connection_id": "connection-1",
    "calendar_id": "home",
    "epoch": 1,
    "revision": 4,
    "finality": 0,
    "groups": [{"spans": {"735": [10, 20]}}],
    "periods": [735],
    "since": 10,
    "until": 20,
    "title": "Dentiste",
}
GRAVESTONE: Document = {"_id": "event-1", "kind": "event", "epoch": 1, "revision": 5, "finality": 2, "expires_at": NOW}
SETUP = {"epoch": 1, "revision": 2, "calendars": [{"id": "home", "all_day": "as_marked"}], "access": "full"}
READ = {"epoch": 1, "revision": 7_001, "behind": [], "setup_revision": 2}
CONNECTION: Document = {
    "_id": "connection-1",
    "kind": "connection",
    **WHOSE,
    "setup": SETUP,
    "completed": READ,
    "as_of": NOW,
    "periods": [-1],
    "since": -1,
    "until": 1,
}
ENDED: Document = {"_id": "connection-1", "kind": "connection", "ended": {"epoch": 1, "revision": 3}}
DOUBT: Document = {"_id": "c home held", "kind": "held", "epoch": 1, "revision": 9_001, "finality": 0, "known": 20}
LATER = NOW + timedelta(minutes=5)
MUST_AGREE: Mapping[str, tuple[Document | None, Document | None]] = {
    "another span": (EVENT, {**EVENT, "groups": [{"spans": {"735": [10, 21]}}]}),
    "another title": (EVENT, {**EVENT, "title": "Coiffeur"}),
    "a period that a question does not find": (EVENT, {**EVENT, "periods": []}),
    "another user": (EVENT, {**EVENT, "user_id": "user-2"}),
    "a newer revision": (EVENT, {**EVENT, "revision": 5}),
    "removed here only": (GRAVESTONE, EVENT),
    "removed there only": (EVENT, GRAVESTONE),
    "missing here": (None, EVENT),
    "missing there": (EVENT, None),
    "another setup": (CONNECTION, {**CONNECTION, "setup": {**SETUP, "access": "read_only"}}),
    "no setup": (CONNECTION, {"_id": "connection-1", "kind": "connection", "completed": READ}),
    "ended here only": (ENDED, CONNECTION),
    "ended there only": (CONNECTION, ENDED),
    "an end forgotten": (None, ENDED),
    "a pass forgotten": ({**CONNECTION, "completed": {**READ, "revision": 6_001}}, CONNECTION),
    "a pass told otherwise": ({**CONNECTION, "completed": {**READ, "behind": [{"id": "home"}]}}, CONNECTION),
    "an older age": (CONNECTION, {**CONNECTION, "as_of": LATER}),
    "a refusal forgotten": (CONNECTION, {**CONNECTION, "rejected": {"epoch": 1, "revision": 1}}),
    "a doubt forgotten": (None, DOUBT),
    "an older doubt": ({**DOUBT, "revision": 8_001}, DOUBT),
}
MAY_DIFFER: Mapping[str, tuple[Document | None, Document | None]] = {
    "the same": (EVENT, dict(reversed(EVENT.items()))),
    "gravestones of different days": (GRAVESTONE, {**GRAVESTONE, "expires_at": LATER}),
    "a gravestone that compaction took": (GRAVESTONE, None),
    "the end of a connection that compaction took": (ENDED, None),
    "passes that Kafka has dropped": (
        CONNECTION,
        {n: v for n, v in CONNECTION.items() if n not in {"completed", "as_of"}},
    ),
    "a newer pass": ({**CONNECTION, "completed": {**READ, "revision": 7_002}, "as_of": LATER}, CONNECTION),
    "a doubt that Kafka has dropped": (DOUBT, None),
    "a newer doubt": ({**DOUBT, "revision": 9_002}, DOUBT),
    "a doubt that is over and forgotten": (None, {**DOUBT, "expires_at": NOW}),
    "doubts that are over since different moments": ({**DOUBT, "expires_at": NOW}, {**DOUBT, "expires_at": LATER}),
}


@pytest.mark.parametrize("case", MUST_AGREE)
def test_what_the_topics_tell_must_be_the_same_in_both(case: str) -> None:
    assert not agree(*MUST_AGREE[case])


@pytest.mark.parametrize("case", MAY_DIFFER)
def test_what_the_topics_do_not_tell_any_more_may_differ(case: str) -> None:
    assert agree(*MAY_DIFFER[case])


def test_a_difference_names_versions_and_nothing_else() -> None:
    told = difference(EVENT, {**EVENT, "revision": 5})

    assert (told.kind, told.id, told.live, told.rebuilt) == ("event", "event-1", (1, 4), (1, 5))
    assert "Dentiste" not in repr(told)


def test_the_hash_does_not_depend_on_the_order_and_sees_every_document() -> None:
    documents = [{**EVENT, "_id": f"event-{number}"} for number in range(50)] + [CONNECTION]
    one, other, less = Sum(), Sum(), Sum()

    for document in documents:
        one.add(document)
    for document in Random(1).sample(documents, len(documents)):  # noqa: S311 - the same order in every run
        other.add(document)
    for document in documents[1:]:
        less.add(document)
    one.add(GRAVESTONE | {"_id": "gone"})

    assert (one.events, one.connections, one.hash) == (50, 1, other.hash)
    assert less.hash != one.hash
